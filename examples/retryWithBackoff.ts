/** The same retries for any Observable: here a download, with a budget that all downloads share. */
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { defer, from, mergeMap, throwError } from 'rxjs';
import { constantBackoff, createRetryBudget, retryWithBackoff } from 'rxmistral';

let calls = 0;
const server = createServer((_request, response) => {
  calls += 1;
  response.writeHead(calls < 3 ? 503 : 200).end('the file');
}).listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const budget = createRetryBudget();

  defer(() => fetch(url))
    .pipe(
      mergeMap((response) => (response.ok ? from(response.text()) : throwError(() => new Error(`status ${response.status}`)))),
      retryWithBackoff({
        backoff: constantBackoff(100),
        isRetryable: () => true,
        budget,
        onRetry: ({ attempt, delayMs }) => {
          console.log(`retry ${attempt} in ${delayMs} ms`);
        },
      }),
    )
    .subscribe({
      next: (text) => {
        console.log(text);
      },
      error: (error: unknown) => {
        console.error(error);
        process.exitCode = 1;
      },
      complete: () => server.close(),
    });
});
