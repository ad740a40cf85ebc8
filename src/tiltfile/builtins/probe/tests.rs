//! Readiness probes.

use crate::tiltfile::testing::Tiltfile;

#[test]
fn a_probe_has_one_action_and_its_numbers() {
    let said = Tiltfile::new(
        "p = probe(period_secs=2, timeout_secs=3, http_get=http_get_action(80, path='/up', scheme='https'))\n\
         print(type(p), p.period_secs, p.exec, p.http_get.port, p.http_get.path, p.http_get.scheme, type(p.http_get))\n\
         print(p)\n\
         print(probe(exec=exec_action(('a', 'b'))).exec.command, probe(tcp_socket=tcp_socket_action(1, host='h'), exec=None))\n",
    )
    .eval();
    assert_eq!(
        said.said(),
        "Probe 2 None 80 /up HTTPS HTTPGetAction\n\
         \"Probe\"(exec = None, failure_threshold = 0, http_get = \"HTTPGetAction\"(host = \"\", path = \"/up\", port = 80, scheme = \"HTTPS\"), \
         initial_delay_secs = 0, period_secs = 2, success_threshold = 0, tcp_socket = None, timeout_secs = 3)\n\
         [\"a\", \"b\"] \"Probe\"(exec = None, failure_threshold = 0, http_get = None, initial_delay_secs = 0, period_secs = 0, \
         success_threshold = 0, tcp_socket = \"TCPSocketAction\"(host = \"h\", port = 1), timeout_secs = 0)\n"
    );
}

#[test]
fn wrong_probes_are_refused() {
    let table = [
        (
            "probe()",
            "exactly one of exec, http_get, or tcp_socket must be specified",
        ),
        (
            "probe(exec=exec_action([]), tcp_socket=tcp_socket_action(1))",
            "exactly one of exec, http_get, or tcp_socket must be specified",
        ),
        (
            "probe(exec=tcp_socket_action(1))",
            "probe: for parameter \"exec\": got TCPSocketAction, want ExecAction",
        ),
        (
            "probe(exec=['x'])",
            "probe: for parameter \"exec\": got list, want ExecAction",
        ),
        (
            "probe(timeout_secs=1 << 40, exec=exec_action([]))",
            "probe: for parameter \"timeout_secs\": 1099511627776 out of range for 32-bit signed integer",
        ),
        (
            "probe(period_secs='1', exec=exec_action([]))",
            "probe: for parameter \"period_secs\": got string, want int",
        ),
        (
            "exec_action('true')",
            "exec_action: for parameter \"command\": value should be a List or Tuple of strings, but is of type string",
        ),
        (
            "exec_action([1])",
            "exec_action: for parameter \"command\": value should be a List or Tuple of strings, but contains an element 1 of type int",
        ),
        ("http_get_action()", "http_get_action: missing argument for port"),
        (
            "tcp_socket_action('80')",
            "tcp_socket_action: for parameter \"port\": got string, want int",
        ),
    ];
    for (statement, message) in table {
        assert_eq!(Tiltfile::new(statement).eval().message(), message, "{statement}");
    }
}
