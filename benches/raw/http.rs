//! Just enough of HTTP/1.1 (RFC 9112) to count responses and to answer a handshake.

/// The length in bytes of the head at the start of `bytes`, its empty line included.
pub fn head_len(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|end| end + 4)
}

/// The value of a header field of a head; `name` in lower case.
pub fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let head = std::str::from_utf8(head).ok()?;
    head.split("\r\n").skip(1).find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The length in bytes of the whole response at the start of `bytes`, whose body has a
/// `Content-Length` (none means an empty body).
pub fn response_len(bytes: &[u8]) -> Option<usize> {
    let head = head_len(bytes)?;
    let body = field(&bytes[..head], "content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    (bytes.len() >= head + body).then_some(head + body)
}

/// The status code of a response.
pub fn status(response: &[u8]) -> Option<u16> {
    std::str::from_utf8(response.get(9..12)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nHelloHTTP";

    #[test]
    fn a_response_is_whole_with_its_body() {
        assert_eq!(response_len(RESPONSE), Some(RESPONSE.len() - 4));
        assert_eq!(response_len(&RESPONSE[..RESPONSE.len() - 5]), None);
        assert_eq!(status(RESPONSE), Some(200));
        assert_eq!(field(RESPONSE, "x"), Some("y"));
    }
}
