//! The public documents of user pools: `/POOL/.well-known/jwks.json` and `openid-configuration`.

use model::plane::Plane;

use crate::listen::Answer;

/// The document at this path, if it is one of a user pool's.
pub fn document(_plane: &Plane, _path: &str) -> Option<Answer> {
    None
}
