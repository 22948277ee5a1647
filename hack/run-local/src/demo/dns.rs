//! DNS messages for the demo: a question, and an answer to it (RFC 1035, 4.1).

/// Response codes of RFC 1035, 4.1.1.
#[derive(Clone, Copy)]
pub enum Answer {
    Address([u8; 4]),
    ServerFailure,
    NoSuchName,
}

/// A query for the A record of `name`.
pub fn query(id: u16, name: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(64);
    message.extend(id.to_be_bytes());
    message.extend(0x0100_u16.to_be_bytes()); // recursion desired
    message.extend([0, 1, 0, 0, 0, 0, 0, 0]); // one question
    for label in name.split('.') {
        message.push(label.len().min(63) as u8);
        message.extend(label.bytes().take(63));
    }
    message.extend([0, 0, 1, 0, 1]); // root, type A, class IN
    message
}

/// The response to `query`; `None` when that is too short to be one.
pub fn respond(query: &[u8], answer: Answer) -> Option<Vec<u8>> {
    let mut message = query.to_vec();
    let (code, count) = match answer {
        Answer::Address(_) => (0, 1),
        Answer::ServerFailure => (2, 0),
        Answer::NoSuchName => (3, 0),
    };
    message
        .get_mut(2..4)?
        .copy_from_slice(&(0x8180_u16 | code).to_be_bytes());
    message.get_mut(6..8)?.copy_from_slice(&[0, count]);
    if let Answer::Address(address) = answer {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]); // pointer to the name, A, IN, 60 s, 4 bytes
        message.extend(address);
    }
    Some(message)
}
