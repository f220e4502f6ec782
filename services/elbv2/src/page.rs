//! Pages of answers.

use model::Fault;

use crate::fault::invalid;

/// One page of `all`, and the marker of the next. Markers count what has been shown.
pub(crate) fn page<T>(
    all: Vec<T>,
    marker: Option<&str>,
    size: Option<i64>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let start = match marker {
        None => 0,
        Some(marker) => marker.parse::<usize>().map_err(|_| invalid(format!("Invalid marker '{marker}'")))?,
    };
    let size = usize::try_from(size.unwrap_or(400)).unwrap_or(400).clamp(1, 400);
    let more = all.len() > start.saturating_add(size);
    let page = all.into_iter().skip(start).take(size).collect();
    Ok((page, more.then(|| (start + size).to_string())))
}
