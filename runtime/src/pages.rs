//! The runtime's own pages, under `/_countersign/`.

use edge::listen::Answer;
use edge::plain;

pub(crate) fn answer(path: &str) -> Answer {
    match path {
        "/health" => plain::whole(200, "text/plain", "running\n"),
        _ => plain::whole(404, "text/plain", "there is no such page\n"),
    }
}
