//! AWS Certificate Manager. Every certificate that is asked for is issued by the runtime's own
//! authority; no public DNS is asked whether the caller holds a name. Private keys are sealed
//! and leave only through `ExportCertificate`, encrypted under the caller's passphrase.

mod account;
mod certificate;
mod export;
mod fault;
mod iam;
mod import;
mod name;
mod provider;
mod renewal;
mod request;
#[rustfmt::skip]
mod shapes;
mod show;
mod tag;
mod x509;

use model::estate::acm::Certificate;
use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "acm",
    model: include_str!("../acm.model"),
    types: include_str!("../acm.cfn"),
    actions: include_str!("../acm.iam"),
    operations: model::operations![
        write RequestCertificate => request::request_certificate,
        write ImportCertificate => import::import_certificate,
        write ExportCertificate => export::export_certificate,
        read DescribeCertificate => show::describe_certificate,
        read GetCertificate => show::get_certificate,
        read ListCertificates => show::list_certificates,
        write DeleteCertificate => certificate::delete_certificate,
        write RenewCertificate => renewal::renew_certificate,
        write UpdateCertificateOptions => certificate::update_certificate_options,
        write AddTagsToCertificate => tag::add_tags_to_certificate,
        write RemoveTagsFromCertificate => tag::remove_tags_from_certificate,
        read ListTagsForCertificate => tag::list_tags_for_certificate,
        read GetAccountConfiguration => account::get_account_configuration,
        write PutAccountConfiguration => account::put_account_configuration,
    ],
    ask: iam::ask,
    nodes: &[
        NodeKind::of::<Certificate>(),
        NodeKind::of::<certificate::Origin>(),
        NodeKind::of::<account::Configuration>(),
    ],
    resources: provider::RESOURCES,
    jobs: model::jobs![Renew => renewal::renew_due],
    founding: model::service::nothing,
};
