//! May this principal do this, here, now?
