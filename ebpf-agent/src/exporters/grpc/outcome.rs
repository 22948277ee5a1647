//! What an answer of the collector means for the message.
//!
//! **Invariant:** pure; a message is given up only when sending it again cannot help, or has not helped.

use std::error::Error as _;

use tonic::{Code, Status};

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The collector is not there, or did not answer: try until it is.
    Away,
    /// The collector answered with an error: try a few times.
    Refused,
    /// The collector will never take it.
    Invalid,
    /// The collector takes smaller messages only.
    TooBig,
}

/// Reads a status.
pub fn outcome(status: &Status) -> Outcome {
    let is_about_size = || {
        let text = status.message();
        text.contains("too large") || text.contains("larger than max")
    };
    // What the collector answers has no source: the connection broke, or was reset by something in between, whatever
    // code the transport makes of it.
    if status.source().is_some() {
        return Outcome::Away;
    }
    match status.code() {
        // Servers differ: flowlogs-pipeline says "message too large", libraries "message length too large" (tonic) and
        // "message larger than max" (Go).
        Code::ResourceExhausted | Code::OutOfRange if is_about_size() => Outcome::TooBig,
        // `ResourceExhausted` otherwise asks to slow down.
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted => {
            Outcome::Away
        }
        Code::InvalidArgument => Outcome::Invalid,
        _ => Outcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_helped_is_given_up_at_once() {
        let cases = [
            (Status::unavailable("tcp connect error"), Outcome::Away),
            (Status::deadline_exceeded("no answer"), Outcome::Away),
            (Status::cancelled("going away"), Outcome::Away),
            (Status::resource_exhausted("slow down"), Outcome::Away),
            (
                Status::resource_exhausted("grpc: received message larger than max (5 vs. 4)"),
                Outcome::TooBig,
            ),
            (
                Status::resource_exhausted("message too large: more than 1000 bytes"),
                Outcome::TooBig,
            ),
            (
                Status::out_of_range("Error, decoded message length too large: found 5 bytes"),
                Outcome::TooBig,
            ),
            (Status::invalid_argument("malformed"), Outcome::Invalid),
            (Status::internal("panic"), Outcome::Refused),
            (Status::unimplemented("unknown service"), Outcome::Refused),
            (Status::unknown("?"), Outcome::Refused),
            (
                Status::from_error(Box::new(std::io::Error::from(
                    std::io::ErrorKind::ConnectionReset,
                ))),
                Outcome::Away,
            ),
        ];
        // A proxy that resets the stream: an error of HTTP/2, not an answer.
        let mut reset = Status::internal("h2 protocol error");
        reset.set_source(std::sync::Arc::new(std::io::Error::other("reset")));
        assert_eq!(outcome(&reset), Outcome::Away);
        for (status, expected) in cases {
            assert_eq!(outcome(&status), expected, "{status:?}");
        }
    }
}
