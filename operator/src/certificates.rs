//! Certificates that the operator makes: of its webhooks, and between components.
//!
//! A ring is made at once, by an authority whose key is then forgotten, and is kept in a Secret. **Invariant:** who
//! trusts one ring is told of the next one, and given time to take it in, before anybody shows a certificate of it; and
//! trusts the one before for as long as there is one. Whoever keeps a ring says when all were told
//! ([`Keeper::announced`]).

mod issue;
mod keep;
mod ring;

pub use issue::{Leaf, Pair};
pub use keep::{KeepError, Keeper};
pub use ring::{Keyring, Lifetime, Plan};
