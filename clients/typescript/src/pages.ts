/** A request of a list. */
interface PageRequest {
  pageToken?: string | undefined;
}

/** An answer of a list. */
interface Page {
  readonly nextPageToken: string;
}

/**
 * Yields the pages of any list method, each asked for when it is wanted, such as
 * `pages((request) => client.organs.listOrgans(request), { pageSize: 100 })`.
 */
export async function* pages<Request extends PageRequest, Answer extends Page>(
  list: (request: Request) => Promise<Answer>,
  request: Request,
): AsyncGenerator<Answer, void> {
  for (let pageToken = request.pageToken; ;) {
    const page = await list({ ...request, pageToken });
    yield page;
    pageToken = page.nextPageToken;
    if (pageToken === "") {
      return;
    }
  }
}
