// Counts a vitest JSON report: prints "passed failed skipped" on stdout, and what is odd on stderr.
// Arguments: the report, vitest's exit code, and whether Go is there (yes or no).
//
// Nothing may be skipped but the tests of the Go client where there is no Go, so any other skipped test counts as
// failed. So does a file whose tests could not even be collected, and an exit code that no failed test explains.
import { readFileSync } from 'node:fs';

const [reportPath, status, go] = process.argv.slice(2);

function read() {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8'));
  } catch {
    process.stderr.write('the tests left no report\n');
    return undefined;
  }
}

function tally(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) {
      process.stderr.write(`failed as a whole: ${file.name}\n`);
      counts.failed += 1;
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else if (go === 'no' && file.name.includes('interop')) counts.skipped += 1;
      else {
        process.stderr.write(`did not run, which counts as failed: ${test.fullName} (${file.name})\n`);
        counts.failed += 1;
      }
    }
  }
  return counts;
}

const report = read();
const counts = report === undefined ? { passed: 0, failed: 1, skipped: 0 } : tally(report);
if (counts.failed === 0 && (status !== '0' || counts.passed === 0)) {
  process.stderr.write(`the test run ended with code ${status} and ${counts.passed} tests\n`);
  counts.failed += 1;
}
process.stdout.write(`${counts.passed} ${counts.failed} ${counts.skipped}\n`);
