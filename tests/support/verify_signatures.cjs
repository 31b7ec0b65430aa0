// For each line {secret, headers, body} on standard input, whether the official library accepts it: true or false.

const { Webhook } = require("standardwebhooks");
const lines = require("node:readline").createInterface({ input: process.stdin });

lines.on("line", (line) => {
  const { secret, headers, body } = JSON.parse(line);
  let accepted = true;
  try {
    new Webhook(secret).verify(body, headers);
  } catch {
    accepted = false;
  }
  console.log(accepted);
});
