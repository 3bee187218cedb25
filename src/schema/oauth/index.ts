// The OAuth area of the schema: importing it is what puts it in.
import './application.ts'
import './token.ts'
