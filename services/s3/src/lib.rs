//! Amazon S3: buckets and objects. Content is sealed under a key of its own, which is
//! wrapped by the runtime (SSE-S3) or by KMS (SSE-KMS), so that reading an encrypted
//! object needs the caller's own `kms:Decrypt`.

mod block;
mod bucket;
mod content;
mod copy;
mod iam;
mod lifecycle;
mod listing;
mod multipart;
mod object;
mod provider;
#[rustfmt::skip]
mod shapes;

use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "s3",
    model: include_str!("../s3.model"),
    types: include_str!("../s3.cfn"),
    actions: include_str!("../s3.iam"),
    operations: model::operations![
        write CreateBucket => bucket::create_bucket,
        write DeleteBucket => bucket::delete_bucket,
        read HeadBucket => bucket::head_bucket,
        read ListBuckets => bucket::list_buckets,
        read GetBucketLocation => bucket::get_bucket_location,
        read GetBucketAcl => bucket::get_bucket_acl,
        write PutBucketLifecycleConfiguration => lifecycle::put_bucket_lifecycle_configuration,
        read GetBucketLifecycleConfiguration => lifecycle::get_bucket_lifecycle_configuration,
        write DeleteBucketLifecycle => lifecycle::delete_bucket_lifecycle,
        read GetBucketPolicy => bucket::get_bucket_policy,
        write PutBucketPolicy => bucket::put_bucket_policy,
        write DeleteBucketPolicy => bucket::delete_bucket_policy,
        read GetBucketPolicyStatus => block::get_bucket_policy_status,
        write PutPublicAccessBlock => block::put_public_access_block,
        read GetPublicAccessBlock => block::get_public_access_block,
        write DeletePublicAccessBlock => block::delete_public_access_block,
        write PutBucketEncryption => bucket::put_bucket_encryption,
        read GetBucketEncryption => bucket::get_bucket_encryption,
        write DeleteBucketEncryption => bucket::delete_bucket_encryption,
        write PutBucketVersioning => bucket::put_bucket_versioning,
        read GetBucketVersioning => bucket::get_bucket_versioning,
        write PutBucketTagging => bucket::put_bucket_tagging,
        read GetBucketTagging => bucket::get_bucket_tagging,
        write DeleteBucketTagging => bucket::delete_bucket_tagging,
        write PutBucketOwnershipControls => bucket::put_bucket_ownership_controls,
        read GetBucketOwnershipControls => bucket::get_bucket_ownership_controls,
        write PutObject => object::put_object,
        read GetObject => object::get_object,
        read HeadObject => object::head_object,
        write DeleteObject => object::delete_object,
        write DeleteObjects => object::delete_objects,
        write CopyObject => copy::copy_object,
        read GetObjectTagging => object::get_object_tagging,
        write PutObjectTagging => object::put_object_tagging,
        write DeleteObjectTagging => object::delete_object_tagging,
        read GetObjectAcl => object::get_object_acl,
        read ListObjects => listing::list_objects,
        read ListObjectsV2 => listing::list_objects_v2,
        read ListObjectVersions => listing::list_object_versions,
        write CreateMultipartUpload => multipart::create_multipart_upload,
        write UploadPart => multipart::upload_part,
        write UploadPartCopy => multipart::upload_part_copy,
        write CompleteMultipartUpload => multipart::complete_multipart_upload,
        write AbortMultipartUpload => multipart::abort_multipart_upload,
        read ListParts => multipart::list_parts,
        read ListMultipartUploads => multipart::list_multipart_uploads,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<bucket::Bucket>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![Expire => lifecycle::expire],
    founding: model::service::nothing,
};
