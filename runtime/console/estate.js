// What the map draws, found in the runtime's plain list of resources and of which names which:
// cards, the zones they stand in, and the ways that requests may go. No drawing here.

const SERVICE = "AWS::ECS::Service";
const TASK = "AWS::ECS::Task";
const DATABASE = "AWS::RDS::DBInstance";
const BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer";
const SUBNET = "AWS::EC2::Subnet";
const GROUP = "AWS::EC2::SecurityGroup";
const POOL = "AWS::Cognito::UserPool";
const KEY = "AWS::KMS::Key";

/** Kind: place, rank within it, what people call it. */
const CARDS = {
  "AWS::ApiGateway::RestApi": ["edge", 0, "REST API"],
  "AWS::ApiGatewayV2::Api": ["edge", 0, "HTTP API"],
  [POOL]: ["edge", 1, "User pool"],
  [BALANCER]: ["network", 0, "Load balancer"],
  [SERVICE]: ["network", 1, "Service"],
  [TASK]: ["network", 1, "Task"],
  [DATABASE]: ["network", 2, "Database"],
  "AWS::DynamoDB::Table": ["aws", 0, "Table"],
  "AWS::S3::Bucket": ["aws", 1, "Bucket"],
  "AWS::SQS::Queue": ["aws", 2, "Queue"],
  "AWS::SNS::Topic": ["aws", 2, "Topic"],
  "AWS::SecretsManager::Secret": ["aws", 3, "Secret"],
  "AWS::Logs::LogGroup": ["aws", 4, "Log group"],
  [KEY]: ["aws", 5, "Key"],
};

/** Kind: the kind of the card it belongs to, and the member that names it. */
const PARTS = {
  "AWS::ApiGateway::Resource": ["AWS::ApiGateway::RestApi"],
  "AWS::ApiGateway::Stage": ["AWS::ApiGateway::RestApi"],
  "AWS::ApiGatewayV2::Stage": ["AWS::ApiGatewayV2::Api"],
  "AWS::ApiGatewayV2::Deployment": ["AWS::ApiGatewayV2::Api"],
  "AWS::ElasticLoadBalancingV2::Listener": [BALANCER],
  "AWS::ElasticLoadBalancingV2::ListenerRule": ["AWS::ElasticLoadBalancingV2::Listener"],
  [TASK]: [SERVICE],
};

export class Estate {
  constructor(map) {
    this.nodes = new Map(Object.values(map.services).flat().map((node) => [node.id, node]));
    this.from = new Map();
    this.to = new Map();
    for (const edge of map.edges) {
      push(this.from, edge.from, edge);
      push(this.to, edge.to, edge);
    }
    this.size = map.nodes;
    this.total = map.total;
    this.references = map.edges.length;
    this.stacks = [...this.nodes.values()].filter((node) => node.kind === "AWS::CloudFormation::Stack").map((node) => node.name);
    this.cards = new Map();
    for (const node of this.nodes.values()) this.admit(node);
    this.ways = new Map();
    for (const card of this.cards.values()) this.lead(card);
  }

  /** What `id` names, of this kind and by this member. */
  named(id, kind, member) {
    return this.pick(this.from.get(id), (edge) => edge.to, kind, member);
  }

  /** What names `id`. */
  namers(id, kind, member) {
    return this.pick(this.to.get(id), (edge) => edge.from, kind, member);
  }

  pick(edges, end, kind, member) {
    const found = (edges ?? []).filter((edge) => !member || edge.as === member).map((edge) => this.nodes.get(end(edge)));
    return [...new Set(found)].filter((node) => node && (!kind || node.kind === kind));
  }

  /** The card that a resource belongs to: its own, or that of what it is a part of. */
  owner(id) {
    let node = this.nodes.get(id);
    for (let steps = 0; node && steps < 4; steps += 1) {
      if (this.cards.has(node.id)) return this.cards.get(node.id);
      const [kind] = PARTS[node.kind] ?? [];
      node = kind && this.named(node.id, kind)[0];
    }
    return undefined;
  }

  /** The card that an ARN of a request means: `arn:aws:s3:::bucket/key` is of the bucket. */
  meant(arn) {
    for (let name = arn ?? ""; name; name = name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "") {
      const card = this.owner(name);
      if (card) return [card];
      const acl = this.nodes.get(name)?.kind === "AWS::WAFv2::WebACL" && this.guarded(name);
      if (acl) return acl;
    }
    return [];
  }

  /** The cards that a web ACL stands before. */
  guarded(acl) {
    const places = this.namers(acl, "AWS::WAFv2::WebACLAssociation").flatMap((node) => this.named(node.id, null, "resource"));
    const cards = places.map((node) => this.owner(node.id)).filter(Boolean);
    return cards.sort((a, b) => a.place.localeCompare(b.place));
  }

  /** The cards whose tasks act as this role session. */
  acting(principal) {
    const role = /:assumed-role\/([^/]+)\//.exec(principal ?? "")?.[1];
    return role ? [...this.cards.values()].filter((card) => card.role === role) : [];
  }

  admit(node) {
    const [place, rank, label] = CARDS[node.kind] ?? [];
    if (!place) return;
    if (node.kind === TASK && (this.named(node.id, SERVICE).length || node.facts.status === "STOPPED")) return;
    const title = node.kind === KEY ? node.facts.description || node.name : this.plain(node.name);
    const card = { id: node.id, node, title, place, rank, label, guards: [], facts: this.facts(node), role: this.role(node) };
    if (place === "network") Object.assign(card, this.zone(node));
    card.guards = this.guards(node);
    this.cards.set(node.id, card);
  }

  /** The name that the template gave, where CloudFormation has put its own around it. */
  plain(name) {
    const stack = this.stacks.find((stack) => name.startsWith(`${stack}-`));
    return stack ? name.slice(stack.length + 1).replace(/-[0-9A-Za-z]{12,13}$/, "") : name;
  }

  role(node) {
    const definitions = node.kind === SERVICE ? this.named(node.id, null, "definition") : [node];
    return definitions.flatMap((d) => this.named(d.id, "AWS::IAM::Role", "task_role"))[0]?.name;
  }

  zone(node) {
    const direct = this.named(node.id, SUBNET);
    const subnets = direct.length ? direct : this.named(node.id, "AWS::RDS::DBSubnetGroup").flatMap((g) => this.named(g.id, SUBNET));
    const vpc = subnets.flatMap((subnet) => this.named(subnet.id, "AWS::EC2::VPC"))[0] ?? this.named(node.id, "AWS::EC2::VPC")[0];
    return { subnets: subnets.sort((a, b) => a.name.localeCompare(b.name)), vpc };
  }

  /** What is told of it in a few words. */
  facts(node) {
    if (node.kind === SERVICE) {
      const tasks = this.namers(node.id, TASK).filter((task) => task.facts.status !== "STOPPED");
      const running = tasks.filter((task) => task.facts.status === "RUNNING").length;
      return [`${running} of ${node.facts.desired ?? "?"} running`];
    }
    const { status, state, health, engine, scheme } = node.facts;
    return [engine, scheme, status ?? state, health].filter((fact) => typeof fact === "string" && fact !== "");
  }

  /** What stands before it. */
  guards(node) {
    const parts = [node, ...Object.keys(PARTS).flatMap((kind) => this.namers(node.id, kind))];
    const associations = parts.flatMap((part) => this.namers(part.id, "AWS::WAFv2::WebACLAssociation", "resource"));
    const acls = associations.flatMap((node) => this.named(node.id, "AWS::WAFv2::WebACL"));
    const pools = node.kind === POOL ? [] : this.named(node.id, POOL, "authorizers");
    const keys = node.kind === KEY ? [] : this.named(node.id, KEY);
    const groups = this.groups(node).map((group) => `security group ${this.plain(group.name)}`);
    return [
      ...new Set([
        ...acls.map((acl) => `WAF ${this.plain(acl.name)}`),
        ...pools.map((pool) => `tokens of ${this.plain(pool.name)}`),
        ...groups,
        ...(node.facts.iam_authentication ? ["IAM sign-in"] : []),
        ...(keys.length ? ["encrypted by KMS"] : []),
      ]),
    ];
  }

  groups(node) {
    return [...new Set(this.named(node.id, GROUP))];
  }

  /** The ways that begin or end at this card. */
  lead(card) {
    const { id, kind } = card.node;
    for (const part of [id, ...this.parts(id)]) {
      for (const node of this.named(part)) {
        const to = this.owner(node.id);
        if (to && to !== card && to.node.kind === BALANCER) this.way(card, to, "hands requests to");
        if (node.kind === "AWS::ElasticLoadBalancingV2::TargetGroup" && kind === BALANCER) {
          for (const service of this.namers(node.id, SERVICE, "load_balancers")) this.way(card, this.cards.get(service.id), "hands requests to");
        }
        if (node.kind === POOL && card.place === "edge" && kind !== POOL) this.way(card, this.cards.get(node.id), "takes tokens of");
      }
    }
    if (kind === DATABASE) this.admitted(card);
    if (kind === SERVICE || kind === TASK) this.granted(card);
  }

  parts(id) {
    const direct = Object.keys(PARTS).flatMap((kind) => this.namers(id, kind)).filter((node) => this.owner(node.id)?.id === id);
    const below = direct.flatMap((node) => Object.keys(PARTS).flatMap((kind) => this.namers(node.id, kind)));
    return [...new Set([...direct, ...below].map((node) => node.id))];
  }

  /** Who may open a connection to a database: members of the groups that its groups let in. */
  admitted(card) {
    const sources = this.groups(card.node).flatMap((group) => this.named(group.id, GROUP, "ingress"));
    for (const other of this.cards.values()) {
      if (other.place !== "network" || other === card) continue;
      if (this.groups(other.node).some((group) => sources.includes(group))) this.way(other, card, "may connect to");
    }
  }

  /** What the policies of its role name. */
  granted(card) {
    const definitions = card.node.kind === SERVICE ? this.named(card.node.id, null, "definition") : [card.node];
    const roles = definitions.flatMap((d) => this.named(d.id, "AWS::IAM::Role", "task_role"));
    const policies = roles.flatMap((role) => [role, ...this.named(role.id, "AWS::IAM::ManagedPolicy")]);
    for (const node of policies.flatMap((policy) => this.named(policy.id))) {
      const to = this.cards.get(node.id);
      if (to && to.place === "aws") this.way(card, to, "has a role whose policies name");
    }
  }

  way(from, to, verb) {
    if (from && to) this.ways.set(`${from.id} ${to.id}`, { from, to, verb });
  }
}

function push(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}
