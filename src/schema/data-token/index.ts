// The data-token area of the schema: importing it is what puts it in.
import './data-token.ts'
import './connection.ts'
import './mutations.ts'
import './store-data.ts'
