//! Layout of the running kernel's structures, from its BTF.
//!
//! Reading it costs about 0.2 s, so it happens only when a feature needs it.
//!
//! **Invariant:** a field that this kernel lacks is an error that names it, never a guess.

use std::path::Path;

use btfparse::{Offset, Readable, TypeInformation};

/// Where the kernel shows its types.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// Types of one kernel.
pub struct KernelTypes {
    types: TypeInformation,
}

/// Why a layout is unknown.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    #[error("read {path}: {source}; the kernel needs CONFIG_DEBUG_INFO_BTF")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("parse {path}: {message}")]
    Parse { path: String, message: String },
    #[error("this kernel has no field {path} in struct {name}")]
    NoField {
        name: &'static str,
        path: &'static str,
    },
}

struct Bytes(Vec<u8>);

impl Readable for Bytes {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> btfparse::Result<()> {
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|start| self.0.get(start..start.checked_add(buffer.len())?))
            .ok_or_else(|| btfparse::Error::new(btfparse::ErrorKind::IOError, "end of BTF"))?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl KernelTypes {
    pub fn read(path: &Path) -> Result<Self, BtfError> {
        let name = || path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| BtfError::Read {
            path: name(),
            source,
        })?;
        let types = TypeInformation::new(&Bytes(bytes)).map_err(|error| BtfError::Parse {
            path: name(),
            message: error.message().to_owned(),
        })?;
        Ok(Self { types })
    }

    /// Bytes from the start of `struct name` to the field `path` (dots step into members).
    pub fn offset(&self, name: &'static str, path: &'static str) -> Result<u32, BtfError> {
        let no_field = || BtfError::NoField { name, path };
        let id = self.types.id_of(name).ok_or_else(no_field)?;
        match self.types.offset_of(id, path) {
            Ok((_, Offset::ByteOffset(offset))) => Ok(offset),
            _ => Err(no_field()),
        }
    }
}
