//! The list of services, generated from the folders beside this one.
