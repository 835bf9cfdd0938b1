// A department's client: signs for every order, says how it stands, finishes it, and hears what changes meanwhile.
//
//     node client.js 127.0.0.1:9092 huanwei
//
// KAFKA_USER, KAFKA_PASSWORD and KAFKA_CA (a PEM file) log in to a city's brokers. It keeps nothing on disk: the id of
// each update follows from the order, so that one that is written twice is carried out once. Your own system stands
// where `work` is.
import { readFileSync } from "node:fs";
import kafkajs from "kafkajs";

const [bootstrap, department] = process.argv.slice(2);
const seen = new Set(); // the last ten thousand ids
const over = new Set(); // orders that nobody waits for any more
const say = (text) => void console.log(text); // gives undefined: nothing to answer

/** Gives what comes after a step that was accepted: here the work is done at once. */
function work(done, order, attempt) {
  if (done === "sign") return { step: "progress", order, attempt, more: { note: "We are on our way." } };
  if (done === "progress") {
    return { step: "done", order, attempt, more: { result: "fixed", detail: "It is in order again." } };
  }
}

/** Gives the next step of an order. */
function answer(kind, body) {
  const order = body.order_id;
  switch (kind) {
    case "gridcall.order.issued.v1":
    case "gridcall.order.snapshot.v1": // a snapshot says how it stands
      say(`issued ${order} by ${body.handle_by}: ${body.description}`);
      if ((body.state ?? "issued") !== "issued") {
        return body.state === "signed" ? work("sign", order, body.attempt) : undefined;
      }
      return { step: "sign", order, attempt: body.attempt, more: { by: "shift leader" } };
    case "gridcall.order.reworked.v1":
      say(`reworked ${order} by ${body.handle_by}: ${body.reason}`);
      return { step: "progress", order, attempt: body.attempt, more: { note: "We go there again." } };
    case "gridcall.order.withdrawn.v1":
    case "gridcall.order.closed.v1":
      over.add(order);
      return say(`over ${order}: ${body.reason ?? body.outcome}`);
    case "gridcall.order.changed.v1": {
      const changes = Object.entries(body.changes).map(([name, each]) => `${name} is now ${JSON.stringify(each.new)}`);
      return say(`changed ${order}: ${changes.join(", ")} (${body.reason})`);
    }
    case "gridcall.order.reminded.v1":
    case "gridcall.order.escalated.v1":
      return say(`watch ${order}: ${body.due_at ?? body.to_level}`);
    case "gridcall.update.refused.v1":
      return say(`refused ${order} ${body.update_id}: ${body.reason}: ${body.detail}`);
    case "gridcall.update.accepted.v1":
      if (body.update_id.startsWith(`${order}/`)) {
        const [, step, attempt] = body.update_id.split("/");
        say(`accepted ${order} ${step}`);
        return work(step, order, Number(attempt));
      }
  }
  return say(`ignored ${kind} ${order}`); // new types may come at any time
}

/** Gives the update to write, if any. What cannot be read is said and left behind: it must not stop the rest. */
function read(kind, value) {
  try {
    const update = answer(kind, JSON.parse(String(value)));
    return update && !over.has(update.order) ? update : undefined;
  } catch (error) {
    return say(`unreadable ${kind}: ${error.message}`);
  }
}

const user = process.env.KAFKA_USER;
const security = user && {
  ssl: process.env.KAFKA_CA ? { ca: [readFileSync(process.env.KAFKA_CA)] } : true,
  sasl: { mechanism: "scram-sha-512", username: user, password: process.env.KAFKA_PASSWORD },
};
const topic = `gridcall.dispatch.${department}`;
const updates = `gridcall.updates.${department}`;
const kafka = new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.ERROR, ...security });
const producer = kafka.producer();
const consumer = kafka.consumer({ groupId: `department-${department}`, sessionTimeout: 10_000 });
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  autoCommit: false, // an offset is committed when the answer has been taken by the brokers
  eachMessage: async ({ partition, message }) => {
    const id = String(message.headers.ce_id ?? "");
    const update = seen.has(id) ? say(`again ${id}`) : read(String(message.headers.ce_type ?? ""), message.value);
    if (update) {
      const { step, order, attempt, more } = update;
      const headers = {
        ce_type: `gridcall.order.${step}.v1`,
        ce_source: `${department}/example`,
        ce_id: `${order}/${step}/${attempt}`,
      };
      const value = JSON.stringify({ order_id: order, ...more });
      await producer.send({ topic: updates, acks: -1, messages: [{ key: order, value, headers }] });
    }
    seen.add(id);
    if (seen.size > 10_000) seen.delete(seen.values().next().value);
    await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(message.offset) + 1n) }]);
  },
});
say(`${department} listens`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await consumer.disconnect();
    await producer.disconnect();
    process.exit(0);
  });
}
