// npm package `@modelcontextprotocol/client` (version 2 of the TypeScript SDK): one job (see ../run) → what its client saw, as JSON.
import { Client, ProtocolError, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

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
    const result = await client.callTool({ name: wanted.name, arguments: wanted.arguments }, options);
    return { ...result, steps };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

// Fills in a form that asks for a name, and no other.
function answer({ params }) {
  const asked = 'name' in params.requestedSchema.properties;
  return asked ? { action: 'accept', content: { name: job.name } } : { action: 'decline' };
}

const mode = /^\d/.test(job.mode) ? { pin: job.mode } : job.mode;
const capabilities = { elicitation: { form: {} } };
const client = new Client({ name: 'smcp-tests', version: '1' }, { versionNegotiation: { mode }, capabilities });
client.setRequestHandler('elicitation/create', answer);
await client.connect(transport());
const { tools } = await client.listTools();
const calls = {};
for (const [key, wanted] of Object.entries(job.calls)) calls[key] = await call(client, wanted);
const revision = client.getNegotiatedProtocolVersion();
console.log(JSON.stringify({ revision, server: client.getServerVersion()?.name, tools, calls }));
await client.close();
