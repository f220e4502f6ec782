//! Paths without doubled slashes, `.` and `..`; a `..` at the very front stays.

pub(super) fn normalize(text: &[u8], windows: bool) -> Option<Vec<u8>> {
    let backslash = windows && memchr::memchr(b'\\', text).is_some();
    if !backslash
        && memchr::memmem::find(text, b"//").is_none()
        && memchr::memmem::find(text, b"/.").is_none()
        && !text.starts_with(b".")
    {
        return None;
    }
    let slashed: Vec<u8> = if windows {
        text.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect()
    } else {
        text.to_vec()
    };
    let absolute = slashed.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in slashed.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => {
                    kept.pop();
                }
                _ if absolute => {}
                _ => kept.push(part),
            },
            _ => kept.push(part),
        }
    }
    let mut out = if absolute { vec![b'/'] } else { Vec::new() };
    out.extend(kept.join(&b'/'));
    let folder = slashed.ends_with(b"/") || slashed.ends_with(b"/.") || slashed.ends_with(b"/..");
    if folder && !out.ends_with(b"/") && !out.is_empty() {
        out.push(b'/');
    }
    Some(out)
}
