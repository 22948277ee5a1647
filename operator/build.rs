//! Stamps the version text.

#[path = "build/stamp.rs"]
mod stamp;

fn main() {
    stamp::stamp();
}
