// The order in which people expect names that hold numbers: node-2 before node-10. No `Intl`: its collator is made anew
// with every call of `localeCompare`, which costs seconds over ten thousand targets.

const isDigit = (code: number) => code >= 48 && code <= 57;

/** Where the run of digits that holds `from` ends. */
function endOfDigits(text: string, from: number): number {
  let end = from;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end;
}

function firstNonZero(text: string, from: number, end: number): number {
  let at = from;
  while (at < end - 1 && text.charCodeAt(at) === 48) at++;
  return at;
}

/** Letters without regard to case; upper case counts as lower. */
function folded(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/** Compares for sorting: runs of digits by value, everything else without regard to case, ties by code units. */
export function natural(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(j);
    if (isDigit(left) && isDigit(right)) {
      const leftEnd = endOfDigits(a, i);
      const rightEnd = endOfDigits(b, j);
      i = firstNonZero(a, i, leftEnd);
      j = firstNonZero(b, j, rightEnd);
      // Of two numbers without leading zeros the longer one is the greater.
      if (leftEnd - i !== rightEnd - j) return leftEnd - i - (rightEnd - j);
      for (; i < leftEnd; i++, j++) {
        const difference = a.charCodeAt(i) - b.charCodeAt(j);
        if (difference !== 0) return difference;
      }
      continue;
    }
    const difference = folded(left) - folded(right);
    if (difference !== 0) return difference;
    i++;
    j++;
  }
  const rest = a.length - i - (b.length - j);
  if (rest !== 0) return rest;
  return a < b ? -1 : a > b ? 1 : 0;
}
