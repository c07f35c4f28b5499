// npm package `@modelcontextprotocol/sdk` (version 1 of the TypeScript SDK): one job (see ../run) → what its client saw, as JSON.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';

const job = JSON.parse(process.argv[2]);

function transport() {
  if (job.transport === 'sse') return new SSEClientTransport(new URL(`${job.url}/sse`));
  if (job.transport === 'http') return new StreamableHTTPClientTransport(new URL(`${job.url}/mcp`));
  const [command, ...args] = job.command;
  return new StdioClientTransport({ command, args });
}

async function call(client, wanted) {
  const steps = [];
  const options = wanted.progress ? { onprogress: step => steps.push([step.progress, step.total]) } : {};
  try {
    const result = await client.callTool({ name: wanted.name, arguments: wanted.arguments }, undefined, options);
    return { ...result, steps };
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

// Fills in a form that asks for a name, and no other.
function answer({ params }) {
  const asked = 'name' in params.requestedSchema.properties;
  return asked ? { action: 'accept', content: { name: job.name } } : { action: 'decline' };
}

const client = new Client({ name: 'smcp-tests', version: '1' }, { capabilities: { elicitation: { form: {} } } });
client.setRequestHandler(ElicitRequestSchema, answer);
const connection = transport();
let revision;
const settle = connection.setProtocolVersion?.bind(connection);
connection.setProtocolVersion = version => { revision = version; settle?.(version); };
await client.connect(connection);
const { tools } = await client.listTools();
const calls = {};
for (const [key, wanted] of Object.entries(job.calls)) calls[key] = await call(client, wanted);
console.log(JSON.stringify({ revision, server: client.getServerVersion().name, tools, calls }));
await client.close();
