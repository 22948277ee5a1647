//! Keys, tokens, kubeconfig files and the audit policy of an API server. Made once per environment, so that a restart
//! keeps tokens valid.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::KeyPair;

use crate::launch::write_private;

pub const ACCOUNT_KEY: &str = "accounts.key";
pub const ACCOUNT_PUBLIC: &str = "accounts.pub";
pub const TOKENS: &str = "tokens.csv";
pub const AUDIT_POLICY: &str = "audit-policy.yaml";

/// Every request but those of the cluster's own parts, without bodies.
const AUDIT: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ["system:apiserver", "system:kube-controller-manager"]
  - level: None
    userGroups: ["system:serviceaccounts:kube-system", "system:nodes"]
  - level: Metadata
"#;

/// Kubeconfig files that were written.
pub struct Files {
    /// Of a user who may do everything.
    pub admin: PathBuf,
    /// Of the controller manager.
    pub controllers: PathBuf,
}

/// Writes what is missing; the kubeconfig files anew, since the port may have changed.
pub fn write(folder: &Path, port: u16) -> Result<Files> {
    let key = folder.join(ACCOUNT_KEY);
    if !key.exists() {
        let pair = KeyPair::generate().context("make a key for service accounts")?;
        fs::write(folder.join(ACCOUNT_PUBLIC), pair.public_key_pem())?;
        write_private(&key, &pair.serialize_pem())?;
    }
    let tokens = folder.join(TOKENS);
    if !tokens.exists() {
        let text = format!(
            "{},admin,admin,\"system:masters\"\n{},system:kube-controller-manager,controllers\n",
            token()?,
            token()?
        );
        write_private(&tokens, &text)?;
    }
    fs::write(folder.join(AUDIT_POLICY), AUDIT)?;
    let tokens =
        fs::read_to_string(&tokens).with_context(|| format!("read {}", tokens.display()))?;
    let mut tokens = tokens.lines().filter_map(|line| line.split(',').next());
    let mut kubeconfig = |name: &str| -> Result<PathBuf> {
        let path = folder.join(format!("{name}.kubeconfig"));
        let token = tokens.next().context("too few tokens")?;
        write_private(&path, &kubeconfig(folder, port, token))?;
        Ok(path)
    };
    Ok(Files {
        admin: kubeconfig("admin")?,
        controllers: kubeconfig("controllers")?,
    })
}

fn kubeconfig(folder: &Path, port: u16, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\n\
         clusters: [{{name: testenv, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority: \"{}\"}}}}]\n\
         users: [{{name: testenv, user: {{token: \"{token}\"}}}}]\n\
         contexts: [{{name: testenv, context: {{cluster: testenv, user: testenv}}}}]\n\
         current-context: testenv\n",
        folder.join("pki/apiserver.crt").display()
    )
}

/// 128 random bits in hexadecimal.
fn token() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("read random bytes")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
