// Runs a case in Node: node.mjs CASE URL [TRANSPORT]
import { io } from "socket.io-client";
import { run } from "./cases.js";

const [name, url, transport] = process.argv.slice(2);
try {
  await run(name, io, url, transport ? { transports: [transport] } : {});
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
