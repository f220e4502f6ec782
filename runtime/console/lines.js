// From events to lines: one for each enforcement point, a decision and the call it let in together.

/** Codes of errors by which a service itself refuses somebody. */
const REFUSALS = /AccessDenied|NotAuthorized|Unauthori[sz]ed|Forbidden|Signature|InvalidClientTokenId|UnrecognizedClient|ExpiredToken|CodeMismatch|InvalidAccessKeyId/;

/** The lines of one request's events. */
export function linesOf(events) {
  const lines = [];
  const open = [];
  for (const event of events.sort((a, b) => a.seq - b.seq)) {
    if (event.kind === "decision") {
      const line = decided(event);
      lines.push(line);
      open.push(line);
    } else if (event.kind === "call") {
      const line = close(open, event) ?? push(lines, called(event));
      end(line, event);
    } else {
      lines.push(other(event));
    }
  }
  return lines;
}

/** The decision that this call was let in by. Calls within calls end first. */
function close(open, call) {
  const operation = call.point.split(":")[1];
  const fits = (line) => line.action.split(", ").some((action) => action.split(":")[1] === operation);
  let at = open.findLastIndex(fits);
  if (at < 0) at = open.length - 1;
  return open.splice(at, 1)[0];
}

function push(lines, line) {
  lines.push(line);
  return line;
}

function line(event, more) {
  const { seq, time, request, trace, resource, reason } = event;
  return { key: `${request || "event"}/${seq}`, seq, time, request, trace, resource: resource ?? "", reason: reason ?? "", action: event.action ?? "", principal: event.subject ?? "", ...more };
}

function decided(event) {
  return line(event, { verdict: event.allowed ? "allowed" : "denied", point: "policy", service: event.action.split(":")[0], reason: event.cause });
}

function called(event) {
  return line(event, { verdict: "done", point: "call", action: event.point, reason: "" });
}

/** What came of the call is told by the same line. */
function end(line, call) {
  line.principal = call.subject ?? "";
  line.service = call.point.split(":")[0];
  line.internal = call.internal;
  line.resource ||= call.resource ?? "";
  const named = ([, name]) => line.action.split(", ").some((action) => action.split(":")[1] === name);
  if (!named(call.point.split(":"))) line.action = `${call.point} (needs ${line.action})`;
  if (call.allowed || line.verdict === "denied") return;
  line.verdict = REFUSALS.test(call.reason) ? "denied" : "failed";
  line.reason = line.point === "policy" ? `${call.reason}; let in by ${line.reason}` : call.reason;
}

function other(event) {
  if (event.kind === "finding") return line(event, { verdict: "finding", point: event.point, service: "findings" });
  if (event.kind === "runtime") return line(event, { verdict: "note", point: "runtime", service: "runtime" });
  return line(event, { verdict: event.allowed ? "allowed" : "denied", point: event.point, service: event.point });
}

export const refuses = (line) => ["denied", "failed"].includes(line.verdict);
