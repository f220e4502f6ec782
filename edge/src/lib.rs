//! Listeners, TLS, SigV4 and the data planes.
