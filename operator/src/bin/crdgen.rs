//! Prints our CustomResourceDefinitions, as one YAML stream.

use anyhow::Context as _;
use netobserv_operator::apis::crd;

fn main() -> anyhow::Result<()> {
    for definition in crd::all().context("build the definitions")? {
        print!("---\n{}", crd::yaml(&definition).context("write YAML")?);
    }
    Ok(())
}
