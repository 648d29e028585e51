//! Uploads to servers that are threads of this test.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lam_http::{HttpError, Request, Upload};
use lam_signal::Cancel;

use crate::{HELLO, Seen, client, head, listen};

/// So many bytes, of which the reader has `there`.
fn upload(length: u64, there: u64) -> Upload {
    let open = move || -> io::Result<Box<dyn Read>> { Ok(Box::new(io::repeat(b'x').take(there))) };
    Upload { length, open: Arc::new(open) }
}

#[test]
fn an_upload_is_put_with_its_length_and_told_while_it_goes() {
    const LENGTH: usize = 3_000_000;
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let port = listen(move |mut stream| {
        let asked = head(&mut stream);
        let mut body = vec![0; LENGTH];
        stream.read_exact(&mut body[..LENGTH / 2]).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        stream.read_exact(&mut body[LENGTH / 2..]).unwrap();
        assert!(body.iter().all(|byte| *byte == b'x'));
        noted.lock().unwrap().push(asked);
        stream.write_all(HELLO).unwrap();
    });
    let url = format!("http://127.0.0.1:{port}/place?signature=1");
    let request = Request::put(&url, upload(LENGTH as u64, u64::MAX)).header("x-kind", "part");
    let told = AtomicU64::new(0);
    let hear = |sent| told.store(sent, Ordering::Relaxed);
    let reply = client(&[]).send_watched(&request, &Cancel::default(), &hear).unwrap();
    assert_eq!(reply.text(9).unwrap(), "hello");
    let head = seen.lock().unwrap()[0].to_lowercase();
    assert!(head.starts_with("put /place?signature=1 http/1.1\r\n") && head.contains("x-kind: part"), "{head}");
    assert!(head.contains(&format!("content-length: {LENGTH}\r\n")) && !head.contains("chunked"), "{head}");
    assert!(told.load(Ordering::Relaxed) > 0);
}

#[test]
fn an_upload_that_ends_early_or_is_to_stop_breaks_the_connection() {
    let port = listen(|mut stream| {
        head(&mut stream);
        let mut piece = [0; 4096];
        while stream.read(&mut piece).is_ok_and(|count| count > 0) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let url = format!("http://127.0.0.1:{port}/");
    let short = client(&[]).send(&Request::put(&url, upload(1_000_000, 5_000)), &Cancel::default());
    let error = short.err().unwrap();
    assert!(matches!(error, HttpError::Network { .. }) && error.to_string().contains("fewer bytes"), "{error}");
    let (cancel, begun) = (Cancel::default(), Instant::now());
    let asked = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        asked.cancel();
    });
    let endless = client(&[]).send(&Request::put(&url, upload(u64::MAX, u64::MAX)), &cancel);
    assert!(matches!(endless.err(), Some(HttpError::Cancelled)));
    assert!(begun.elapsed() < Duration::from_secs(3));
}
