//! A wire between client and server that can be cut: by hand, or once so many bytes have gone to the client.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The wire; connections made through it go on to the server behind.
pub struct Proxy {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// A wire to `server`; the first connections end after so many bytes to the client.
    pub fn to(server: SocketAddr, lengths: &[usize]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&connections);
        let lengths = lengths.to_vec();
        std::thread::spawn(move || {
            for (made, client) in listener.incoming().enumerate() {
                let client = client.expect("a connection");
                let server = TcpStream::connect(server).expect("the server");
                kept.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                let length = lengths.get(made).copied().unwrap_or(usize::MAX);
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || carry(from, to, usize::MAX));
                std::thread::spawn(move || carry(server, client, length));
            }
        });
        Self { address, connections }
    }

    /// Address of the WebSocket behind.
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Connections that were made since the last cut.
    pub fn made(&self) -> usize {
        self.connections.lock().unwrap().len() / 2
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        for stream in self.connections.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, length: usize) {
    let mut left = length;
    let mut piece = [0; 4096];
    while left > 0 {
        let Ok(count) = from.read(&mut piece) else { break };
        let count = count.min(left);
        if count == 0 || to.write_all(&piece[..count]).is_err() {
            break;
        }
        left -= count;
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
