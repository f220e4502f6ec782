//! The API model.
/// An API.
pub struct Api;
