//! Requests to servers, proxies and authorities that are threads of this test.
//!
//! `authority/` holds an authority, a certificate that it gave to localhost, one that localhost gave to itself, and an
//! authority that nobody asked; made with `openssl req -x509` and `openssl x509 -req` for a hundred years.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod uploads;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lam_http::{Client, HttpError, Reply, Request, Timeouts};
use lam_signal::{Cancel, Fault, FaultKind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Heads of requests as they came.
type Seen = Arc<Mutex<Vec<String>>>;

fn head(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Serves every connection with `serve`, each in a thread; its port.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Answers every request with the same bytes.
fn answering(answer: &'static [u8]) -> (u16, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let port = listen(move |mut stream| {
        noted.lock().unwrap().push(head(&mut stream));
        stream.write_all(answer).unwrap();
    });
    (port, seen)
}

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

fn authority(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authority").join(name)
}

/// A server whose certificate comes from the test's own authority.
fn private() -> u16 {
    showing("server")
}

/// A server that shows this certificate.
fn showing(name: &str) -> u16 {
    let certificate = CertificateDer::from_pem_file(authority(&format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(authority(&format!("{name}.key.pem"))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    listen(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        if !head(&mut stream).is_empty() {
            stream.write_all(HELLO).unwrap();
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

/// A proxy that tunnels and forwards, and notes what it was asked.
fn proxy() -> (u16, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let port = listen(move |mut stream| {
        let asked = head(&mut stream);
        let target = asked.split(' ').nth(1).unwrap().to_owned();
        let is_tunnel = asked.starts_with("CONNECT ");
        let length = asked.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        noted.lock().unwrap().push(asked);
        if !is_tunnel {
            // A socket closed over unread bytes resets the answer away.
            stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
            stream.write_all(HELLO).unwrap();
            return;
        }
        let port = target.rsplit_once(':').unwrap().1;
        let mut server = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut back, mut forth) = (server.try_clone().unwrap(), stream.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
        let _ = std::io::copy(&mut stream, &mut server);
    });
    (port, seen)
}

fn client(variables: &[(&str, String)]) -> Client {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let find = move |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    Client::with_variables(Timeouts::silence(Duration::from_secs(10)), Box::new(find))
}

fn get(variables: &[(&str, String)], url: &str) -> Result<Reply, HttpError> {
    client(variables).send(&Request::get(url), &Cancel::default())
}

fn text(variables: &[(&str, String)], url: &str) -> Result<String, HttpError> {
    get(variables, url)?.text(1000)
}

#[test]
fn a_private_authority_is_trusted_where_a_variable_names_it() {
    let (url, file) = (format!("https://localhost:{}/", private()), authority("authority.pem").display().to_string());
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(&file, folder.path().join("0123abcd.0")).unwrap();
    let folder = folder.path().display().to_string();
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(authority("other.pem"), other.path().join("0123abcd.0")).unwrap();
    let both = format!("{}:{folder}", other.path().display());
    for (name, value) in [
        ("SSL_CERT_FILE", &file),
        ("CURL_CA_BUNDLE", &file),
        ("REQUESTS_CA_BUNDLE", &file),
        ("SSL_CERT_DIR", &folder),
        ("SSL_CERT_DIR", &both),
    ] {
        assert_eq!(text(&[(name, value.clone())], &url).unwrap(), "hello", "{name} = {value}");
    }
    let also = [("SSL_CERT_FILE", file.clone()), ("SSL_CERT_DIR", "/no/such/folder".to_owned())];
    assert_eq!(text(&also, &url).unwrap(), "hello", "one of two is enough");
    let url = url.replace("localhost", "127.0.0.1");
    assert_eq!(text(&[("SSL_CERT_FILE", file)], &url).unwrap(), "hello", "also by its address");
}

#[test]
fn a_server_that_signed_its_own_certificate_is_trusted_by_it_and_by_nothing_else() {
    let port = showing("own");
    let url = format!("https://localhost:{port}/");
    let own = || ("SSL_CERT_FILE", authority("own.pem").display().to_string());
    assert_eq!(text(&[own()], &url).unwrap(), "hello");
    for name in ["authority.pem", "other.pem", "server.pem"] {
        let error = text(&[("SSL_CERT_FILE", authority(name).display().to_string())], &url).unwrap_err();
        assert!(matches!(error, HttpError::Untrusted { .. }), "{name}: {error}");
    }
    assert!(matches!(text(&[], &url), Err(HttpError::Untrusted { .. })));
    let (proxy, _) = proxy();
    let elsewhere = [own(), ("https_proxy", format!("http://127.0.0.1:{proxy}"))];
    let error = text(&elsewhere, &format!("https://other.example:{port}/")).unwrap_err().to_string();
    assert!(error.contains("for another name"), "{error}");
}

#[test]
fn who_is_not_trusted_is_told_with_the_variable() {
    let url = format!("https://localhost:{}/", private());
    let untrusted = |variables: &[(&str, String)], url: &str, words: &[&str]| {
        let error = get(variables, url).err().unwrap();
        assert_eq!(error.kind(), FaultKind::Runtime);
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
    };
    let other = authority("other.pem").display().to_string();
    untrusted(&[], &url, &["an authority that is not among", "hint: ", "SSL_CERT_FILE", "SSL_CERT_DIR"]);
    let named = format!("SSL_CERT_FILE = {other}");
    untrusted(&[("SSL_CERT_FILE", other)], &url, &["not among those of", &named]);
    let file = authority("authority.pem").display().to_string();
    let elsewhere = format!("https://localhost.example:{}/", url.rsplit(':').next().unwrap().trim_end_matches('/'));
    let (port, _) = proxy();
    let variables = [("SSL_CERT_FILE", file), ("https_proxy", format!("http://127.0.0.1:{port}"))];
    untrusted(&variables, &elsewhere, &["for another name"]);
}

#[test]
fn a_variable_that_names_no_authority_is_refused() {
    let url = format!("https://localhost:{}/", private());
    let empty = tempfile::tempdir().unwrap();
    let place = |name: &str| empty.path().join(name).display().to_string();
    std::fs::write(place("text.pem"), "no certificate").unwrap();
    for (name, value) in [
        ("SSL_CERT_FILE", place("none.pem")),
        ("SSL_CERT_FILE", place("text.pem")),
        ("SSL_CERT_DIR", place("none")),
        ("CURL_CA_BUNDLE", place("none.pem")),
    ] {
        let error = get(&[(name, value.clone())], &url).err().unwrap();
        let text = error.to_string();
        assert_eq!(error.kind(), FaultKind::Config, "{text}");
        assert!(text.contains(&format!("{name} = {value}")) && text.contains("hint:"), "{text}");
    }
    let (port, _) = answering(HELLO);
    let plain = format!("http://127.0.0.1:{port}/");
    assert_eq!(text(&[("SSL_CERT_FILE", place("none.pem"))], &plain).unwrap(), "hello", "without TLS it is not read");
}

#[test]
fn plain_http_is_forwarded_by_the_proxy_with_its_password() {
    let (port, seen) = proxy();
    let variables = [("http_proxy", format!("http://ada:pass%2Fof-the-proxy@127.0.0.1:{port}"))];
    let client = client(&variables);
    let body = "{}".repeat(100_000);
    let post = Request::post("http://endpoint.example:8080/v1/chat?x=1", body).key("authorization", "Bearer k".into());
    for request in [post, Request::get("http://other.example/")] {
        assert_eq!(client.send(&request, &Cancel::default()).unwrap().text(1000).unwrap(), "hello");
    }
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("POST http://endpoint.example:8080/v1/chat?x=1 HTTP/1.1\r\n"), "{}", seen[0]);
    // printf 'ada:pass/of-the-proxy' | base64
    assert!(seen[0].contains("Proxy-Authorization: Basic YWRhOnBhc3Mvb2YtdGhlLXByb3h5\r\n"), "{}", seen[0]);
    assert!(seen[0].to_lowercase().contains("host: endpoint.example:8080\r\n"), "{}", seen[0]);
    assert!(seen[1].starts_with("GET http://other.example/ HTTP/1.1\r\n"), "{}", seen[1]);
    assert_eq!(lam_signal::redacted("pass/of-the-proxy, pass%2Fof-the-proxy"), "[redacted], [redacted]");
}

#[test]
fn a_proxy_that_wants_a_password_is_told_with_its_variable() {
    const WANTS: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let (port, _) = answering(WANTS);
    let error = text(&[("http_proxy", format!("127.0.0.1:{port}"))], "http://hub.example/").unwrap_err();
    assert!(matches!(error, HttpError::Proxy { .. }), "{error}");
    for part in ["http://hub.example/", "`http_proxy`", "407", "hint: write http_proxy=http://NAME:PASSWORD@"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(get(&[], &format!("http://127.0.0.1:{port}/")).unwrap().status, 407, "no proxy is to blame");
}

#[test]
fn tls_goes_through_a_tunnel() {
    let ((port, seen), server) = (proxy(), private());
    let file = authority("authority.pem").display().to_string();
    let variables = [("HTTPS_PROXY", format!("127.0.0.1:{port}")), ("SSL_CERT_FILE", file)];
    assert_eq!(text(&variables, &format!("https://localhost:{server}/")).unwrap(), "hello");
    assert!(seen.lock().unwrap()[0].starts_with(&format!("CONNECT localhost:{server} HTTP/1.1\r\n")));
}

#[test]
fn hosts_that_need_no_proxy_are_asked_directly() {
    let ((server, _), nobody) = (answering(HELLO), "http://127.0.0.1:1".to_owned());
    let url = format!("http://127.0.0.1:{server}/");
    for variables in [
        &[("HTTPS_PROXY", nobody.clone())][..],
        &[("HTTP_PROXY", nobody.clone())],
        &[("http_proxy", nobody.clone()), ("NO_PROXY", "localhost, 127.0.0.1".into())],
        &[("ALL_PROXY", nobody.clone()), ("no_proxy", "127.0.0.0/8".into())],
        &[("all_proxy", nobody.clone()), ("no_proxy", "*".into())],
    ] {
        assert_eq!(text(variables, &url).unwrap(), "hello", "{variables:?}");
    }
    for name in ["http_proxy", "all_proxy", "ALL_PROXY"] {
        assert!(text(&[(name, nobody.clone())], &url).is_err(), "{name}: as curl does, also on loopback");
    }
    let wrong = get(&[("http_proxy", "ftp://proxy".into())], &url).err().unwrap();
    assert!(wrong.kind() == FaultKind::Config && wrong.to_string().contains("http_proxy = ftp://proxy"), "{wrong}");
}

#[test]
fn redirections_are_followed_and_keys_stay_at_home() {
    let (other, stolen) = answering(HELLO);
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let home = listen(move |mut stream| {
        let asked = head(&mut stream);
        let place = match asked.split(' ').nth(1).unwrap() {
            "/near" => "/file?x".to_owned(),
            "/far" => format!("http://127.0.0.1:{other}/file"),
            "/round" => "/round".to_owned(),
            "/strange" => "file:///etc/passwd".to_owned(),
            _ => String::new(),
        };
        noted.lock().unwrap().push(asked);
        let answer = match place.as_str() {
            "" => String::from_utf8(HELLO.to_vec()).unwrap(),
            place => {
                format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            }
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let client = client(&[]);
    let ask = |path: &str| {
        let request = Request::get(&format!("http://127.0.0.1:{home}{path}")).key("authorization", "Bearer key".into());
        client.send(&request, &Cancel::default())
    };
    assert!(ask("/near").unwrap().url.ends_with("/file?x"));
    assert!(seen.lock().unwrap().iter().all(|head| head.contains("authorization: Bearer key")));
    assert_eq!(ask("/far").unwrap().text(9).unwrap(), "hello");
    assert!(stolen.lock().unwrap().iter().all(|head| !head.to_lowercase().contains("authorization")));
    assert!(ask("/round").err().unwrap().to_string().contains("more than 10 times"));
    assert!(ask("/strange").err().unwrap().to_string().contains("file:///etc/passwd"));
    let post = Request::post(&format!("http://127.0.0.1:{home}/far"), "{}".into());
    assert_eq!(client.send(&post, &Cancel::default()).unwrap().status, 302, "a question is for this address alone");
}

#[test]
fn compressed_torn_and_endless_answers_are_read_or_told() {
    // python3 -c 'import gzip; print(list(gzip.compress(b"hello", mtime=0)))'
    const PACKED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n\
        \x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcbH\xcd\xc9\xc9\x07\x00\x86\xa6\x106\x05\x00\x00\x00";
    const TORN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhel";
    const CHUNKS: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    const GARBAGE: &[u8] = b"SSH-2.0-OpenSSH\r\n\r\n";
    let of = |answer| text(&[], &format!("http://127.0.0.1:{}/", answering(answer).0));
    assert_eq!(of(PACKED).unwrap(), "hello");
    for broken in [TORN, CHUNKS, GARBAGE, b""] {
        let error = of(broken).unwrap_err();
        assert!(matches!(error, HttpError::Network { .. }), "{error}");
    }
    let endless = listen(|mut stream| {
        head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let error = text(&[], &format!("http://127.0.0.1:{endless}/")).unwrap_err().to_string();
    assert!(error.contains("longer than 1000 bytes"), "{error}");
}

#[test]
fn a_request_to_stop_ends_a_body_at_once() {
    let slow = listen(|mut stream| {
        head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhel").unwrap();
        let _ = BufReader::new(stream).read_line(&mut String::new());
    });
    let cancel = Cancel::default();
    let reply = client(&[]).send(&Request::get(&format!("http://127.0.0.1:{slow}/")), &cancel).unwrap();
    let (asked, begun) = (cancel.clone(), Instant::now());
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        asked.cancel();
    });
    assert!(matches!(reply.text(1000), Err(HttpError::Cancelled)));
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn what_signs_an_address_is_told_nowhere() {
    const TORN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhel";
    let ((torn, _), untrusted) = (answering(TORN), private());
    let home = listen(move |mut stream| {
        let place = match head(&mut stream).split(' ').nth(1).unwrap() {
            "/nobody" => "http://127.0.0.1:1/file?signature=abc".to_owned(),
            "/torn" => format!("http://127.0.0.1:{torn}/file?signature=abc"),
            "/untrusted" => format!("https://localhost:{untrusted}/file?signature=abc"),
            "/strange" => "ftp:/file?signature=abc".to_owned(),
            _ => "/round?signature=abc".to_owned(),
        };
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes());
    });
    let check = |error: HttpError, part: &str| {
        let text = format!("{error} {error:?}");
        assert!(text.contains(part) && !text.contains("signature"), "{text}");
    };
    for (path, part) in [
        ("/nobody", "http://127.0.0.1:1/file"),
        ("/torn", "/file"),
        ("/untrusted", "an authority that is not among"),
        ("/strange", "is redirected to `ftp:/file`"),
        ("/round", "more than 10 times, the last to http://"),
    ] {
        check(text(&[], &format!("http://127.0.0.1:{home}{path}")).unwrap_err(), part);
    }
    check(get(&[], "no-address?signature=abc").err().unwrap(), "no-address");
    let (proxy, _) = answering(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    let variables = [("http_proxy", format!("127.0.0.1:{proxy}"))];
    check(get(&variables, "http://hub.example/file?signature=abc").err().unwrap(), "status 407");
    let request = Request::get("https://s3.example/file?signature=abc").key("authorization", "Bearer key".into());
    assert_eq!(format!("{request:?}"), "Request(https://s3.example/file)");
}
