//! An image is a program in the images folder: `registry/path/securecart:1` means `securecart`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The program's name in an image's reference; none if it is no reference.
pub(crate) fn name(reference: &str) -> Option<&str> {
    let without_digest = reference.split('@').next()?;
    let last = without_digest.rsplit('/').next()?;
    let name = last.split(':').next()?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (!name.is_empty() && !name.starts_with('.') && name.bytes().all(good)).then_some(name)
}

/// The program of an image; otherwise what AWS says when it cannot pull one.
pub(crate) fn find(images: &Path, reference: &str) -> Result<PathBuf, String> {
    let cannot = |why: String| {
        format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: {why}"
        )
    };
    let name = name(reference).ok_or_else(|| cannot("it is no image reference".to_owned()))?;
    let path = images.join(name);
    let facts = std::fs::symlink_metadata(&path).map_err(|_| {
        cannot(format!("not found: the images folder `{}` has no program `{name}`", images.display()))
    })?;
    // A link might lead to what nobody meant to give away.
    match facts.is_file() && facts.permissions().mode() & 0o111 != 0 {
        true => Ok(path),
        false => Err(cannot(format!("`{}` is no program", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names() {
        for (reference, expected) in [
            ("securecart", Some("securecart")),
            ("securecart:1", Some("securecart")),
            ("111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/securecart:v1.2", Some("securecart")),
            ("localhost:5000/securecart", Some("securecart")),
            ("securecart@sha256:0123", Some("securecart")),
            ("..", None),
            ("x/..:1", None),
            (".hidden", None),
            ("", None),
            ("shop/", None),
            ("a b", None),
        ] {
            assert_eq!(super::name(reference), expected, "{reference}");
        }
    }
}
