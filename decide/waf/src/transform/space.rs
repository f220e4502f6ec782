//! White space, and the ways command lines are disguised.

/// ASCII white space, vertical tab, and the no-break space in Latin-1.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 11 | 12 | 160)
}

/// Runs of white space become one space.
pub(super) fn compress(text: &[u8]) -> Option<Vec<u8>> {
    let mut before = false;
    let changes = text.iter().any(|b| {
        let space = is_space(*b);
        let change = space && (before || *b != b' ');
        before = space;
        change
    });
    changes.then(|| collapse(text.iter().copied()))
}

fn collapse(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for byte in bytes {
        match is_space(byte) {
            true if out.last() == Some(&b' ') => {}
            true => out.push(b' '),
            false => out.push(byte),
        }
    }
    out
}

pub(super) fn trim(text: &[u8], left: bool, right: bool) -> Vec<u8> {
    let from = if left { text.iter().take_while(|b| is_space(**b)).count() } else { 0 };
    let rest = text.get(from..).unwrap_or_default();
    let off = if right { rest.iter().rev().take_while(|b| is_space(**b)).count() } else { 0 };
    rest.get(..rest.len() - off).unwrap_or_default().to_vec()
}

/// Without `\ " ' ^`, `,` and `;` as spaces, no space before `/` and `(`, in lower case.
pub(super) fn command_line(text: &[u8]) -> Vec<u8> {
    let kept = text.iter().copied().filter(|b| !b"\\\"'^".contains(b));
    let spaced = collapse(kept.map(|b| if b",;".contains(&b) { b' ' } else { b }));
    let mut out = Vec::with_capacity(spaced.len());
    for byte in spaced {
        if b"/(".contains(&byte) && out.last() == Some(&b' ') {
            out.pop();
        }
        out.push(byte.to_ascii_lowercase());
    }
    out
}

/// Without the carets and quotes that `cmd.exe` drops, in lower case. Separators stay.
pub(super) fn command_line_windows(text: &[u8]) -> Vec<u8> {
    collapse(text.iter().copied().filter(|b| !b"^\"".contains(b))).to_ascii_lowercase()
}

/// Without the backslashes and quotes that a shell drops. Separators and case stay.
pub(super) fn command_line_unix(text: &[u8]) -> Vec<u8> {
    collapse(text.iter().copied().filter(|b| !b"\\\"'".contains(b)))
}
