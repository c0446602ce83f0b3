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

/** Starts it before `base`; `answers` maps a pattern of paths to a function from the URL to the data of the answer. */
export async function standIn(base, answers) {
  const prepared = new Map();
  const server = createServer((question, reply) => {
    const url = new URL(question.url, base);
    const found = answers.find(([pattern]) => pattern.test(url.pathname));
    const data = found?.[1](url);
    if (data !== undefined) {
      // The same question has the same answer, so only the first one waits for it to be written.
      if (!prepared.has(question.url)) prepared.set(question.url, Buffer.from(JSON.stringify({ status: 'success', data: data() })));
      const body = prepared.get(question.url);
      reply.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
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
