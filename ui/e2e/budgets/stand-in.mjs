// A server in front of the real one that answers some questions with what no demo has: ten thousand targets, a thousand
// series of a thousand points. Everything else is the real server's.
import { createServer, request } from 'node:http';

/** Ten thousand targets in 735 pools, as the API answers them. */
export function manyTargets(count = 10_000, pools = 735) {
  const lastScrape = new Date().toISOString();
  return Array.from({ length: count }, (_, i) => ({
    discoveredLabels: { __address__: `10.0.${i >> 8}.${i & 255}:9091` }, labels: { job: `pool-${i % pools}`, instance: `10.0.${i >> 8}.${i & 255}:9091`, node: `node-${i}` },
    scrapePool: `pool-${i % pools}`, scrapeUrl: `http://10.0.${i >> 8}.${i & 255}:9091/metrics`, globalUrl: '', lastError: i % 700 === 0 ? 'connection refused' : '',
    lastScrape, lastScrapeDuration: 0.01, health: i % 700 === 0 ? 'down' : 'up', scrapeInterval: '15s', scrapeTimeout: '10s',
  }));
}

/** A matrix of `series` random walks with `points` values each, as the query API writes it. */
export function manySeries(start, step, series = 1000, points = 1000) {
  let state = 1;
  const random = () => ((state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32);
  const result = Array.from({ length: series }, (_, i) => {
    let value = 100 * random();
    const values = Array.from({ length: points }, (_unused, k) => [(start + k * step) / 1000, String((value += random() - 0.5))]);
    return { metric: { __name__: 'walk', instance: `10.0.${i >> 8}.${i & 255}:9091`, job: 'felix' }, values };
  });
  return { resultType: 'matrix', result };
}

/** The same in columns, as the server writes it for a client that asks for them. */
function inColumns({ result }, params) {
  const [start, end] = ['start', 'end'].map((name) => Math.round(Number(params.get(name)) * 1000));
  const step = Math.round(Number(params.get('step')) * 1000);
  const points = Math.floor((end - start) / step) + 1;
  const head = JSON.stringify({ status: 'success', data: { resultType: 'matrix', start, step, points, result: result.map(({ metric }) => ({ metric })) } });
  const length = Math.ceil((8 + Buffer.byteLength(head)) / 8) * 8;
  const body = Buffer.alloc(length + 8 * points * result.length, ' ', 'latin1');
  body.write('TCOL', 0, 'latin1');
  body.writeUInt32LE(length - 8, 4);
  body.write(head, 8);
  result.forEach(({ values }, row) => {
    const column = new Float64Array(points).fill(NaN);
    for (const [seconds, text] of values) column[Math.round((seconds * 1000 - start) / step)] = Number(text);
    column.forEach((value, k) => body.writeDoubleLE(value, length + 8 * (points * row + k)));
  });
  return body;
}

const columnsType = 'application/vnd.tortie.columns';

/** Starts it before `base`; `answers` maps a pattern of paths to a function from the URL to the data of the answer. */
export async function standIn(base, answers) {
  const prepared = new Map();
  const server = createServer((question, reply) => {
    const url = new URL(question.url, base);
    const found = answers.find(([pattern]) => pattern.test(url.pathname));
    const data = found?.[1](url);
    if (data !== undefined) {
      // The same question has the same answer, so only the first one waits for it to be written.
      const columns = question.headers.accept?.includes(columnsType) && url.searchParams.has('step');
      const key = `${columns} ${question.url}`;
      if (!prepared.has(key)) prepared.set(key, columns ? inColumns(data(), url.searchParams) : Buffer.from(JSON.stringify({ status: 'success', data: data() })));
      const body = prepared.get(key);
      reply.writeHead(200, { 'content-type': columns ? columnsType : 'application/json', 'content-length': body.length });
      reply.end(body);
      return;
    }
    const passed = request(url, { method: question.method, headers: { ...question.headers, host: url.host } }, (answer) => {
      reply.writeHead(answer.statusCode, answer.headers);
      answer.pipe(reply);
    });
    passed.on('error', () => reply.destroy());
    question.pipe(passed);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
