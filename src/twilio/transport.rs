//! What a failed request says about whether it was sent.
//!
//! The one question that matters for a create: only an error from before the connection was there proves that
//! nothing was written. The errors of reqwest hold URLs, so nothing of them but enumerations leaves this file.

use std::error::Error as StdError;
use std::io;

use super::error::{CertificateFault, Error, NotSent};
use super::operation::Operation;

/// Turns an error of the HTTP library into ours.
pub(super) fn error(operation: Operation, error: &reqwest::Error) -> Error {
    if error.is_builder() {
        return Error::NotSent { operation, reason: NotSent::Request };
    }
    if !error.is_connect() {
        if error.is_timeout() {
            return Error::Timeout { operation };
        }
        return Error::Transport { operation, cause: find::<io::Error>(error).map(io::Error::kind) };
    }
    let reason = match find::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(fault)) => {
            return Error::CertificateNotTrusted { operation, fault: certificate_fault(fault) };
        }
        Some(_) => NotSent::Tls,
        None if error.is_timeout() => NotSent::Timeout,
        None if error.is_dns() => NotSent::Dns,
        // What fails without an error of the operating system is the talk with a proxy.
        None => find::<io::Error>(error).map_or(NotSent::Proxy, |error| NotSent::Connect(error.kind())),
    };
    Error::NotSent { operation, reason }
}

fn certificate_fault(fault: &rustls::CertificateError) -> CertificateFault {
    use rustls::CertificateError as Fault;
    match fault {
        Fault::UnknownIssuer => CertificateFault::UnknownIssuer,
        Fault::Expired
        | Fault::ExpiredContext { .. }
        | Fault::NotValidYet
        | Fault::NotValidYetContext { .. } => CertificateFault::NotValidNow,
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => CertificateFault::WrongName,
        Fault::Revoked => CertificateFault::Revoked,
        _ => CertificateFault::Invalid,
    }
}

/// The first error of type `T` in the chain of causes.
///
/// An `io::Error` counts the error that it wraps not as its cause but as itself, so it is looked into.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| find::<T>(wrapped)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_inside_io_errors() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let outer = io::Error::other(inner);
        assert_eq!(find::<rustls::Error>(&outer), Some(&rustls::Error::DecryptError));
        assert!(find::<std::fmt::Error>(&outer).is_none());
    }
}
