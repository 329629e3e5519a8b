// Creates a translation job, watches it, breaks the connection after a few
// messages, resumes by sequence on a new connection, and prints what it saw.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const protos = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../protos');
const loaded = protoLoader.loadSync('babelmill/jobs/v1/job_service.proto', {
  includeDirs: [protos], keepCase: true, longs: Number, enums: String, oneofs: true,
});
const { JobService } = grpc.loadPackageDefinition(loaded).babelmill.jobs.v1;

const metadata = () => {
  const headers = new grpc.Metadata();
  headers.set('authorization', `Bearer ${process.env.BABELMILL_TOKEN}`);
  return headers;
};
const dial = () => new JobService(process.env.BABELMILL_GRPC, grpc.credentials.createInsecure());

const create = (client, text) => new Promise((resolve, reject) => {
  const request = {
    spec: { translate_text: { text, source_language: 'en', target_languages: ['pt'] } },
    priority: 'PRIORITY_URGENT',
    labels: { from: 'node' },
  };
  client.CreateJob(request, metadata(), (error, reply) => (error ? reject(error) : resolve(reply.job)));
});

// Resolves with the reason why the watch ended; calls `onMessage` for each message.
const watch = (client, request, onMessage) => new Promise((resolve, reject) => {
  const call = client.WatchJob(request, metadata());
  call.on('data', (message) => onMessage(message, call));
  call.on('error', (error) => (error.code === grpc.status.CANCELLED ? resolve('dropped') : reject(error)));
  call.on('end', () => resolve('ended'));
});

const events = [];
let snapshots = 0;
let ticks = 0;
let last = 0;
const note = (message) => {
  if (message.body === 'event') events.push(message.event);
  if (message.body === 'snapshot') snapshots += 1;
  if (message.body === 'progress') ticks += 1;
  last = message.sequence;
};

const first = dial();
const sentence = 'The press is ready and the mill is turning. ';
const job = await create(first, sentence.repeat(Number(process.argv[2] ?? 200)));
const dropped = await watch(first, { job_id: job.job_id, after_sequence: 0 }, (message, call) => {
  note(message);
  if (events.length === 2) call.cancel();
});
first.close();

const second = dial();
const ended = await watch(second, { job_id: job.job_id, after_sequence: last }, note);
const late = [];
const lateEnd = await watch(second, { job_id: job.job_id }, (message) => late.push(message));
second.close();

console.log(JSON.stringify({
  job_id: job.job_id, dropped, ended, lateEnd, ticks, snapshots,
  sequences: events.map((event) => event.sequence),
  states: events.filter((event) => event.fact === 'job_state_changed').map((event) => event.job_state_changed.state),
  late: late.map((message) => message.body),
  lateState: late[0].snapshot.state,
  text: late[0].snapshot.targets[0].text,
}));
