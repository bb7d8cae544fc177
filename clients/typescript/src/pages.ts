/** An answer of a list. */
interface Page {
  readonly nextPageToken: string;
}

/**
 * Yields the pages of any list method, each asked for when it is wanted, such as
 * `pages((request) => client.organs.listOrgans(request), { pageSize: 100 })`.
 */
export async function* pages<Request extends object, Answer extends Page>(
  list: (request: Request & { pageToken: string }) => Promise<Answer>,
  request: Request,
): AsyncGenerator<Answer, void> {
  let pageToken = "";
  do {
    const page = await list({ ...request, pageToken });
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
