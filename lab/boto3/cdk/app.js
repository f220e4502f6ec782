// A small application: a bucket under a key of its own, a table, who may read them, a parameter, a file.
const cdk = require("aws-cdk-lib");
const { aws_dynamodb: dynamodb, aws_iam: iam, aws_kms: kms, aws_s3: s3, aws_s3_assets: assets, aws_ssm: ssm } = cdk;

const app = new cdk.App();
const chosen = (name) => app.node.tryGetContext(name);
const removalPolicy = cdk.RemovalPolicy.DESTROY;
const stack = new cdk.Stack(app, "Orders", {
  env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION },
  terminationProtection: Boolean(chosen("protected")),
  tags: chosen("team") ? { team: chosen("team") } : undefined,
});
const key = new kms.Key(stack, "Key", { enableKeyRotation: true, removalPolicy });
const receipts = new s3.Bucket(stack, "Receipts", {
  encryption: s3.BucketEncryption.KMS,
  encryptionKey: key,
  enforceSSL: true,
  removalPolicy,
});
const carts = new dynamodb.Table(stack, "Carts", {
  tableName: chosen("table"),
  partitionKey: { name: "id", type: dynamodb.AttributeType.STRING },
  billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
  removalPolicy,
});
const reader = new iam.Role(stack, "Reader", { assumedBy: new iam.AccountRootPrincipal() });
const page = new assets.Asset(stack, "Page", { path: `${__dirname}/page.html` });
for (const readable of [receipts, page]) readable.grantRead(reader);
carts.grantReadData(reader);
const where = new ssm.StringParameter(stack, "Where", { parameterName: "/orders/page", stringValue: page.s3ObjectUrl });
if (chosen("broken")) {
  const refused = new ssm.CfnParameter(stack, "Refused", { name: "/aws/refused", type: "String", value: "x" });
  refused.node.addDependency(where);
}
for (const [name, value] of Object.entries({ Bucket: receipts.bucketName, Table: carts.tableName, Role: reader.roleArn }))
  new cdk.CfnOutput(stack, name, { value });
