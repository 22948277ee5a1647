//! Images of the components, as the flags give them.

/// Images of the components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// eBPF agent.
    pub agent: String,
    /// Pipeline.
    pub pipeline: String,
    /// Console, by OpenShift version.
    pub console: ConsoleImages,
    /// Demo Loki.
    pub demo_loki: String,
    /// Programs for the eBPF manager.
    pub bytecode: String,
}

/// A version of OpenShift: major, minor, patch.
pub type Version = (u64, u64, u64);

/// The console's images: newer ones of OpenShift need newer ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsoleImages {
    default: Option<String>,
    /// By the lowest version of OpenShift, ascending.
    versioned: Vec<(Version, String)>,
}

/// What is wrong with `--console-plugin-images`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// There is none at all.
    #[error("no console image is given")]
    None,
    /// A part is not `key=image`.
    #[error("\"{0}\" is not of the form key=image")]
    Form(String),
    /// A key is neither `default` nor a version.
    #[error("\"{0}\" is neither \"default\" nor a version such as 4.15.0")]
    Version(String),
    /// Two defaults.
    #[error("there is more than one default console image")]
    TwoDefaults,
    /// Versions go down.
    #[error("the versions of the console images do not ascend at \"{0}\"")]
    Order(String),
}

impl ConsoleImages {
    /// Reads one image, or `key=image` entries with `;` between them.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let mut images = Self::default();
        if text.trim().is_empty() {
            return Err(ImageError::None);
        }
        if !text.contains('=') {
            images.default = Some(text.trim().to_owned());
            return Ok(images);
        }
        for entry in text
            .split(';')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            let (key, image) = entry
                .split_once('=')
                .map(|(key, image)| (key.trim(), image.trim()))
                .filter(|(key, image)| !key.is_empty() && !image.is_empty())
                .ok_or_else(|| ImageError::Form(entry.to_owned()))?;
            if key == "default" {
                if images.default.replace(image.to_owned()).is_some() {
                    return Err(ImageError::TwoDefaults);
                }
                continue;
            }
            let version = version(key).ok_or_else(|| ImageError::Version(key.to_owned()))?;
            if images
                .versioned
                .last()
                .is_some_and(|(last, _)| *last >= version)
            {
                return Err(ImageError::Order(key.to_owned()));
            }
            images.versioned.push((version, image.to_owned()));
        }
        if images.default.is_none() && images.versioned.is_empty() {
            return Err(ImageError::None);
        }
        Ok(images)
    }

    /// For an OpenShift version; `None` is another Kubernetes.
    pub fn choose(&self, openshift: Option<&str>) -> Option<&str> {
        let Some(openshift) = openshift else {
            let first = self.versioned.first().map(|(_, image)| image.as_str());
            return self.default.as_deref().or(first);
        };
        let cluster = version(openshift);
        self.versioned
            .iter()
            .rev()
            .find(|(lowest, _)| cluster.is_some_and(|cluster| *lowest <= cluster))
            .map(|(_, image)| image.as_str())
            .or(self.default.as_deref())
    }
}

/// Reads `4.15.0-rc.1` as 4.15.0: a pre-release has the features of its release.
pub fn version(text: &str) -> Option<Version> {
    let core = text.split(['-', '+']).next()?;
    let mut parts = core.split('.').map(|part| part.parse().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_newest_image_that_the_cluster_can_use_is_chosen() {
        let images = ConsoleImages::parse("default=i:a;4.15.0=i:b; 4.22.0=i:c;").unwrap();
        for (cluster, image) in [
            (Some("4.14.9"), "i:a"),
            (Some("4.15.0-rc.1"), "i:b"),
            (Some("4.21.3"), "i:b"),
            (Some("4.22.0"), "i:c"),
            (Some("unreadable"), "i:a"),
            (None, "i:a"),
        ] {
            assert_eq!(images.choose(cluster), Some(image), "{cluster:?}");
        }
        let images = ConsoleImages::parse("4.15.0=i:b").unwrap();
        assert_eq!(images.choose(None), Some("i:b"));
        assert_eq!(images.choose(Some("4.14.0")), None);
        assert_eq!(
            ConsoleImages::parse("i:x").unwrap().choose(Some("4.14.0")),
            Some("i:x")
        );
    }

    #[test]
    fn a_bad_list_of_images_is_refused_with_the_reason() {
        for (text, error) in [
            (" ", ImageError::None),
            (";=", ImageError::Form("=".to_owned())),
            ("default=a;b", ImageError::Form("b".to_owned())),
            ("default=", ImageError::Form("default=".to_owned())),
            ("x=a", ImageError::Version("x".to_owned())),
            ("4.15=a", ImageError::Version("4.15".to_owned())),
            ("default=a;default=b", ImageError::TwoDefaults),
            ("4.15.0=a;4.15.0=b", ImageError::Order("4.15.0".to_owned())),
        ] {
            assert_eq!(ConsoleImages::parse(text), Err(error), "{text}");
        }
    }
}
