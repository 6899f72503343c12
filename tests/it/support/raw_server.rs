//! A server on loopback that answers with any bytes, also such as no HTTP library would send.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does once it has read a request.
#[derive(Clone)]
pub(crate) enum Conduct {
    /// Writes these bytes and closes.
    Close(Vec<u8>),
    /// Writes these bytes and then nothing more.
    Stall(Vec<u8>),
    /// Writes the first bytes, and then the others for as long as anybody reads them.
    Repeat(Vec<u8>, Vec<u8>),
}

/// Starts a server for as long as the test's runtime lives, and returns its address.
pub(crate) async fn start(conduct: Conduct) -> String {
    let listener = TcpListener::bind(loopback()).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, conduct.clone()));
        }
    });
    format!("http://{address}")
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind(loopback()).await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn answer(stream: TcpStream, conduct: Conduct) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    // A request is read as a whole: closing with unread bytes resets the connection and takes the answer along.
    let mut body_length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            body_length = length.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    stream.read_exact(&mut vec![0; body_length]).await?;
    match conduct {
        Conduct::Close(bytes) => stream.write_all(&bytes).await?,
        Conduct::Stall(bytes) => {
            stream.write_all(&bytes).await?;
            std::future::pending::<()>().await;
        }
        Conduct::Repeat(first, others) => {
            stream.write_all(&first).await?;
            while stream.write_all(&others).await.is_ok() {}
        }
    }
    stream.shutdown().await
}
