//! request-response.
