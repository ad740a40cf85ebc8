//! The file that says where the server is, and how the server ends.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Served;
use crate::support::is_skipped_without;

#[test]
fn kubectl_reads_the_file_that_names_the_server() {
    if is_skipped_without("kubectl", "kubectl_reads_the_file_that_names_the_server") {
        return;
    }
    let served = Served::start();
    let config = served.config();
    let output = std::process::Command::new("kubectl")
        .args(["get", "tiltfiles", "-o", "name", "--kubeconfig"])
        .arg(&config)
        .args(["--context", "tilt-default"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", served.path())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "tiltfile.tilt.dev/(Tiltfile)\n"
    );
}

#[test]
fn a_server_that_is_shut_down_ends_its_watches_and_closes_its_port() {
    let served = Served::start();
    served.runtime.block_on(async {
        let client = served.client();
        let mut watch = client.watch("/apis/tilt.dev/v1alpha1/cmds?watch=1").await;
        served.running.shutdown().await;
        assert_eq!(watch.told().await, "end");
        // A child of another test has the socket too until it is a program of its own.
        let closed = async { while TcpStream::connect(served.running.address).await.is_ok() {} };
        timeout(Duration::from_secs(60), closed).await.expect("it is closed");
    });
}

#[test]
fn a_second_server_has_a_port_and_an_authority_of_its_own() {
    let (a, b) = (Served::start(), Served::start());
    assert_ne!(a.running.address, b.running.address);
    assert_ne!(a.running.entry.authority, b.running.entry.authority);
}
