//! Certificates: a private authority is trusted when it is given, and nothing is sent to a server that is not.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use conversation_webhook_operator::twilio::{
    CertificateFault, Client, ClientBuildError, ClientOptions, CreateOutcome, Error, ErrorKind, NewWebhook,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;

use crate::stub::reply;
use crate::world::*;

struct TlsServer {
    url: Url,
    /// Requests of which at least a line arrived.
    requests: Arc<AtomicUsize>,
    authority_pem: String,
}

/// A server with a certificate of a private authority, made as `shape` says.
fn start(shape: impl FnOnce(&mut CertificateParams)) -> TlsServer {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    shape(&mut params);
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    thread::spawn({
        let (config, requests) = (Arc::new(config), Arc::clone(&requests));
        move || {
            for stream in listener.incoming() {
                let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(session, stream.unwrap()));
                let mut line = String::new();
                if stream.read_line(&mut line).is_ok_and(|length| length > 0) {
                    requests.fetch_add(1, Ordering::SeqCst);
                    let answer = reply(201, webhook_json().to_string());
                    let _sent = stream.get_mut().write_all(&answer);
                }
            }
        }
    });
    TlsServer { url, requests, authority_pem: authority.pem() }
}

async fn create(server: &TlsServer, ca_bundle_pem: Option<Vec<u8>>) -> CreateOutcome {
    let options = ClientOptions { ca_bundle_pem, allow_http: false, ..options(&server.url) };
    let (client, config) = (Client::new(options).unwrap(), config());
    client.create_webhook(&credentials(), &at(), &NewWebhook { config: &config, replay_after: None }).await
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_given() {
    let server = start(|_| ());
    let outcome = create(&server, Some(server.authority_pem.clone().into_bytes())).await;
    assert!(matches!(outcome, CreateOutcome::Created(_)), "{outcome:?}");
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_is_not_trusted() {
    let unknown = start(|_| ());
    let outdated = start(|params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let elsewhere = start(|params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("canary.example".try_into().unwrap())];
    });
    let bundle = |server: &TlsServer| Some(server.authority_pem.clone().into_bytes());
    for (server, bundle, expected) in [
        (&unknown, None, CertificateFault::UnknownIssuer),
        (&outdated, bundle(&outdated), CertificateFault::NotValidNow),
        (&elsewhere, bundle(&elsewhere), CertificateFault::WrongName),
    ] {
        let outcome = create(server, bundle).await;
        let CreateOutcome::NotCreated(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.kind(), ErrorKind::CertificateNotTrusted);
        assert!(!format!("{error} {error:?}").contains(CANARY));
        assert!(
            matches!(error, Error::CertificateNotTrusted { fault, .. } if fault == expected),
            "{error:?}"
        );
        assert_eq!(server.requests.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_bundle_without_certificates_is_refused() {
    let broken = "-----BEGIN CERTIFICATE-----\n@\n-----END CERTIFICATE-----\n";
    for pem in ["", "not a certificate", broken] {
        let result =
            Client::new(ClientOptions { ca_bundle_pem: Some(pem.into()), ..ClientOptions::default() });
        assert!(matches!(result, Err(ClientBuildError::CaBundle)), "{pem}");
    }
}

#[test]
fn a_base_url_in_the_clear_needs_to_be_allowed() {
    let base_url: Option<Url> = Some("http://127.0.0.1:1".parse().unwrap());
    let options =
        |allow_http| ClientOptions { base_url: base_url.clone(), allow_http, ..ClientOptions::default() };
    assert!(Client::new(options(true)).is_ok());
    assert!(matches!(Client::new(options(false)), Err(ClientBuildError::BaseUrl(_))));
}
