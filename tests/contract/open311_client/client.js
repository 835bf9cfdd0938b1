// What does an app do that is built on the npm package open311? Prints what it got, as one JSON object.
// node client.js DISCOVERY_URL API_KEY
const { promisify } = require("util");
const Open311 = require("open311");

const [discovery, apiKey] = process.argv.slice(2);
const client = new Open311({ discovery, apiKey, jurisdiction: "yucheng" });
const ask = (name, ...args) => promisify(client[name].bind(client))(...args);
const REQUEST = { service_code: "0113", lat: 30.026, long: 102.95, description: "路面破了", attributes: { condition: "broken" } };

async function main() {
  await ask("serviceDiscovery", { cache: true });
  const services = await ask("serviceList");
  const definition = await ask("serviceDefinition", REQUEST.service_code);
  const [taken] = await ask("submitRequest", REQUEST);
  const id = taken.service_request_id;
  const [one] = await ask("serviceRequests", id, {});
  const many = await ask("serviceRequests", [id], {});
  const open = await ask("serviceRequests", { status: "open", service_code: REQUEST.service_code });
  const [token] = await ask("token", id);
  client.apiKey = "wrong";
  const refused = await ask("submitRequest", REQUEST).catch(String);
  console.log(JSON.stringify({ endpoint: client.endpoint, services, definition, id, one, many, open, token, refused }));
}

main();
