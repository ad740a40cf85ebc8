//! Against real listeners, with and without TLS.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;

fn request(url: String) -> Request {
    Request {
        url,
        headers: Vec::new(),
        limit: Duration::from_secs(20),
        most: 1 << 20,
        trust: Trust::Anybody,
    }
}

/// Reads a request's head.
async fn head_of(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Answers one request, whose head it returns.
async fn answer(listener: TcpListener, text: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = head_of(&mut stream).await;
    stream.write_all(text.as_bytes()).await.unwrap();
    head
}

#[tokio::test]
async fn path_query_and_headers_are_sent_and_the_answer_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut asked = request(format!("http://localhost:{port}/a/b?c=d"));
    asked.headers = vec![
        ("X-One".to_owned(), "1".to_owned()),
        ("X-One".to_owned(), "2".to_owned()),
    ];
    let text = "HTTP/1.1 201 Created\r\nX-Two: two\r\nContent-Length: 5\r\n\r\nhello";
    let (answer, head) = tokio::join!(get(&asked), answer(listener, text));
    let answer = answer.unwrap();
    assert_eq!((answer.status, &*answer.body), (201, &b"hello"[..]));
    assert_eq!(answer.headers["x-two"], "two");
    assert!(head.starts_with("GET /a/b?c=d HTTP/1.1\r\n"), "{head}");
    let head = head.to_lowercase();
    assert!(head.contains(&format!("host: localhost:{port}\r\n")), "{head}");
    assert!(head.contains("x-one: 1\r\nx-one: 2\r\n"), "{head}");
}

#[tokio::test]
async fn a_body_is_cut_off_where_it_was_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut asked = request(format!("http://127.0.0.1:{port}"));
    asked.most = 100;
    let text = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5000));
    let (answer, _) = tokio::join!(get(&asked), answer(listener, &text));
    assert!(answer.unwrap().body.len() <= 100);
}

#[tokio::test]
async fn what_goes_wrong_is_said() {
    let failure = |request: Request| async move { get(&request).await.unwrap_err().to_string() };
    let table = [
        (
            "http://localhost:1/".to_owned(),
            "connecting to localhost:1: connection refused".to_owned(),
        ),
        (
            "ftp://localhost/".to_owned(),
            "`ftp://localhost/` is not a URL of a web server".to_owned(),
        ),
        (
            "localhost".to_owned(),
            "`localhost` is not a URL of a web server".to_owned(),
        ),
    ];
    for (url, message) in table {
        assert_eq!(failure(request(url)).await, message);
    }
    let mut odd = request("http://localhost/".to_owned());
    odd.headers.push(("a b".to_owned(), "c".to_owned()));
    assert_eq!(failure(odd).await, "header `a b` cannot be sent");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut asked = request(format!("http://{}", listener.local_addr().unwrap()));
    asked.limit = Duration::from_millis(50);
    let error = get(&asked).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut { .. }), "{error}");
}

/// A server whose certificate nobody knows but whoever asks here.
async fn secure(tasks: &mut JoinSet<()>) -> (u16, CertificateDer) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Whoever does not believe us hangs up.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                head_of(&mut stream).await;
                let text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
                stream.write_all(text.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
        }
    });
    (port, cert.der().clone())
}

type CertificateDer = rustls_pki_types::CertificateDer<'static>;

#[tokio::test]
async fn certificates_are_believed_as_told() {
    let mut tasks = JoinSet::new();
    let (port, own) = secure(&mut tasks).await;
    let (_, other) = secure(&mut tasks).await;
    let ask = |trust| async move {
        let mut asked = request(format!("https://localhost:{port}/"));
        asked.trust = trust;
        get(&asked).await
    };
    assert_eq!(&*ask(Trust::Anybody).await.unwrap().body, b"secret");
    assert_eq!(&*ask(Trust::Authority(own.clone())).await.unwrap().body, b"secret");
    assert_eq!(&*ask(Trust::System(vec![own])).await.unwrap().body, b"secret");
    assert!(ask(Trust::System(Vec::new())).await.is_err());
    let error = ask(Trust::Authority(other)).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error}");
}
