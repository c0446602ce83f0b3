// A list of named checks that runs to its end and says what failed.

const results = [];
/** Only checks whose name holds this text run; all when none is given. */
const filter = process.argv[2] ?? '';

/** Runs one check; its error is kept and the next one runs. */
export async function check(name, run) {
  if (!name.includes(filter)) return;
  const started = performance.now();
  try {
    await run();
    results.push({ name });
    console.log(`ok   ${name} (${Math.round(performance.now() - started)} ms)`);
  } catch (error) {
    results.push({ name, error });
    console.log(`FAIL ${name}\n     ${String(error?.message ?? error).split('\n').slice(0, 12).join('\n     ')}`);
  }
}

/** Throws when `problems` is not empty. */
export function none(problems, what) {
  if (problems.length > 0) throw new Error(`${what}:\n${problems.slice(0, 6).join('\n')}`);
}

export function equal(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: the page says ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}

/** Ends the process with the verdict. */
export function finish() {
  const failed = results.filter((result) => result.error);
  console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
  process.exit(failed.length > 0 ? 1 : 0);
}
