//! Comments of SQL and C.

/// Each `/* ... */`, ended or not, becomes one space.
pub(super) fn replace(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"/*")?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"/*") {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.push(b' ');
        let inside = rest.get(at + 2..).unwrap_or_default();
        rest = match memchr::memmem::find(inside, b"*/") {
            Some(end) => inside.get(end + 2..).unwrap_or_default(),
            None => &[],
        };
    }
    out.extend_from_slice(rest);
    Some(out)
}

/// Without the marks `/*`, `*/`, `--`, `#`, `<!--`, `-->`; what is between them stays.
pub(super) fn remove_marks(text: &[u8]) -> Vec<u8> {
    const MARKS: [&[u8]; 6] = [b"<!--", b"-->", b"/*", b"*/", b"--", b"#"];
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match MARKS.iter().find_map(|m| rest.strip_prefix(*m)) {
            Some(behind) => rest = behind,
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}
