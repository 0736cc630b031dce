/** What the schema of the approval service owes to those who delete: an index for each foreign key. */
import { expect, test } from "@jest/globals";
import { migratedDatabase } from "./migrated-database.ts";

test("every foreign key has an index that begins with its columns, or each row that is deleted would cost a look at all that may refer to it", async () => {
  await using database = await migratedDatabase();
  const { rows } = await database.query<{ key: string; is_indexed: boolean }>(
    `select conrelid::regclass || '.' || conname as key,
            exists (select from pg_index
                     where indrelid = conrelid and indpred is null
                       and (indkey::int2[])[0:array_length(conkey, 1) - 1] @> conkey) as is_indexed
       from pg_constraint where contype = 'f'`,
  );
  expect(rows.map(({ key }) => key).toSorted()).toEqual([
    ...["grants.grants_request_id_fkey", "redemptions.redemptions_grant_id_fkey", "requests.requests_denial_id_fkey"],
    ...["reviews.reviews_request_id_fkey", "traits.traits_profile_id_fkey"],
  ]);
  expect(rows.filter((row) => !row.is_indexed)).toEqual([]);
});
