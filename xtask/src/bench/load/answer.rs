//! Reading answers on a kept connection, just enough of HTTP for receivers on this machine.

use std::io;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// The most bytes of an answer.
const LONGEST: usize = 64 * 1024;

/// Reads one whole answer and gives its status; `buffer` is scratch space.
pub(crate) async fn status(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<u16> {
    buffer.clear();
    loop {
        if let Some(status) = whole(buffer)? {
            return Ok(status);
        }
        if buffer.len() > LONGEST {
            return Err(io::Error::other("an answer without end"));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The status, once the answer has come as a whole.
fn whole(bytes: &[u8]) -> io::Result<Option<u16>> {
    let Some(head_end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..head_end]).map_err(io::Error::other)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::Error::other("not an answer of HTTP"))?;
    let body = &bytes[head_end + 4..];
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let complete = if let Some(length) = header("content-length") {
        body.len() >= length.parse().map_err(io::Error::other)?
    } else if header("transfer-encoding").is_some() {
        body.ends_with(b"0\r\n\r\n")
    } else {
        true
    };
    Ok(complete.then_some(status))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
