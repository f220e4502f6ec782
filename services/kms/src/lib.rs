//! AWS KMS.

mod shapes;
