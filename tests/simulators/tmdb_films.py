"""What the TMDB of the tests knows: films and series with facts close to the real ones, and hard cases among them."""
# ruff: noqa: RUF001 -- names as they are written

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Film:
    id: int
    imdb_id: str | None
    title: str
    date: str | None
    language: str
    runtime: int
    genres: str
    directors: str
    companies: str
    certificate: str
    score: float
    votes: int
    budget: int = 0
    revenue: int = 0
    original: str | None = None
    german: str | None = None
    others: tuple[tuple[str, str], ...] = ()
    """Country and name."""
    collection: tuple[int, str] | None = None
    has_poster: bool = True

    @property
    def year(self) -> int | None:
        return int(self.date[:4]) if self.date else None

    @property
    def popularity(self) -> float:
        return round(self.votes / 250 + self.score, 3)


@dataclass(frozen=True)
class Series:
    id: int
    imdb_id: str
    tvdb_id: int
    name: str
    date: str
    language: str
    network: str
    status: str
    episodes: tuple[int, ...]
    """How many episodes each season has, from season 1."""
    specials: int = 0
    original: str | None = None
    german: str | None = None
    score: float = 8.0
    votes: int = 1000

    @property
    def year(self) -> int:
        return int(self.date[:4])


MATRIX = (2344, "The Matrix Collection")
ALIEN = (8091, "Alien Collection")
GODFATHER = (230, "The Godfather Collection")
ROCKY = (1575, "Rocky Collection")
RINGS = (119, "The Lord of the Rings Collection")
STAR_WARS = (10, "Star Wars Collection")
KILL_BILL = (2883, "Kill Bill Collection")
FULL = 1_000_000


def _film(*row: Any, **more: Any) -> Film:
    return Film(*row, **more)


# fmt: off
FILMS: tuple[Film, ...] = (
    _film(603, "tt0133093", "The Matrix", "1999-03-31", "en", 136, "Action, Science Fiction", "Lana Wachowski, Lilly Wachowski", "Village Roadshow Pictures, Silver Pictures", "15", 8.2, 26000, 63 * FULL, 463517383, german="Matrix", others=(("FR", "Matrix"), ("JP", "マトリックス")), collection=MATRIX),
    _film(604, "tt0234215", "The Matrix Reloaded", "2003-05-15", "en", 138, "Adventure, Action, Thriller, Science Fiction", "Lana Wachowski, Lilly Wachowski", "Village Roadshow Pictures", "15", 7.1, 11000, 150 * FULL, 738576929, german="Matrix Reloaded", collection=MATRIX),
    _film(605, "tt0242653", "The Matrix Revolutions", "2003-11-05", "en", 129, "Adventure, Action, Thriller, Science Fiction", "Lana Wachowski, Lilly Wachowski", "Village Roadshow Pictures", "15", 6.7, 10000, 150 * FULL, 424988211, german="Matrix Revolutions", collection=MATRIX),
    _film(624860, "tt10838180", "The Matrix Resurrections", "2021-12-16", "en", 148, "Science Fiction, Action, Adventure", "Lana Wachowski", "Village Roadshow Pictures, Venus Castina Productions", "15", 6.2, 5700, 190 * FULL, 159152430, collection=MATRIX),
    _film(550, "tt0137523", "Fight Club", "1999-10-15", "en", 139, "Drama, Thriller", "David Fincher", "Fox 2000 Pictures, Regency Enterprises", "18", 8.4, 29000, 63 * FULL, 100853753, others=(("RU", "Бойцовский клуб"),)),
    _film(807, "tt0114369", "Se7en", "1995-09-22", "en", 127, "Crime, Mystery, Thriller", "David Fincher", "New Line Cinema", "18", 8.4, 21000, 33 * FULL, 327311859, german="Sieben", others=(("US", "Seven"),)),
    _film(348, "tt0078748", "Alien", "1979-05-25", "en", 117, "Horror, Science Fiction", "Ridley Scott", "20th Century Fox, Brandywine Productions", "15", 8.2, 14500, 11 * FULL, 104931801, german="Alien – Das unheimliche Wesen aus einer fremden Welt", collection=ALIEN),
    _film(679, "tt0090605", "Aliens", "1986-07-18", "en", 137, "Action, Thriller, Science Fiction", "James Cameron", "20th Century Fox", "15", 8.0, 9800, 18500000, 183316455, german="Aliens – Die Rückkehr", collection=ALIEN),
    _film(8077, "tt0103644", "Alien³", "1992-05-22", "en", 114, "Science Fiction, Action, Horror", "David Fincher", "20th Century Fox", "18", 6.4, 5700, 50 * FULL, 159773545, others=(("US", "Alien 3"),), collection=ALIEN),
    _film(8078, "tt0118583", "Alien Resurrection", "1997-11-12", "en", 109, "Science Fiction, Horror, Action", "Jean-Pierre Jeunet", "20th Century Fox", "18", 6.2, 5100, 70 * FULL, 162000000, collection=ALIEN),
    _film(78, "tt0083658", "Blade Runner", "1982-06-25", "en", 118, "Science Fiction, Drama, Thriller", "Ridley Scott", "The Ladd Company, Shaw Brothers", "15", 7.9, 14000, 28 * FULL, 41722424, german="Der Blade Runner"),
    _film(335984, "tt1856101", "Blade Runner 2049", "2017-10-04", "en", 164, "Science Fiction, Drama", "Denis Villeneuve", "Alcon Entertainment, Columbia Pictures", "15", 7.6, 13500, 150 * FULL, 259239658),
    _film(593, "tt0069293", "Solaris", "1972-03-20", "ru", 167, "Drama, Science Fiction, Mystery", "Andrei Tarkovsky", "Mosfilm", "PG", 7.9, 1700, FULL, 0, original="Солярис"),
    _film(2103, "tt0307479", "Solaris", "2002-11-27", "en", 99, "Drama, Science Fiction, Mystery, Romance", "Steven Soderbergh", "Lightstorm Entertainment, 20th Century Fox", "12", 6.0, 1500, 47 * FULL, 30002758),
    _film(841, "tt0087182", "Dune", "1984-12-14", "en", 137, "Action, Science Fiction, Adventure", "David Lynch", "Dino De Laurentiis Company", "15", 6.2, 3000, 40 * FULL, 30925690, german="Der Wüstenplanet"),
    _film(438631, "tt1160419", "Dune", "2021-09-15", "en", 155, "Science Fiction, Adventure", "Denis Villeneuve", "Legendary Pictures", "12A", 7.8, 12500, 165 * FULL, 407573628, others=(("US", "Dune: Part One"),)),
    _film(693134, "tt15239678", "Dune: Part Two", "2024-02-27", "en", 167, "Science Fiction, Adventure", "Denis Villeneuve", "Legendary Pictures", "12A", 8.1, 6500, 190 * FULL, 714444358),
    _film(830, "tt0049223", "Forbidden Planet", "1956-03-23", "en", 98, "Science Fiction, Adventure", "Fred M. Wilcox", "Metro-Goldwyn-Mayer", "U", 7.2, 900, 1968000, 2765000, german="Alarm im Weltall"),
    _film(194, "tt0211915", "Amélie", "2001-04-25", "fr", 122, "Comedy, Romance", "Jean-Pierre Jeunet", "Claudie Ossard Productions, UGC", "15", 7.9, 11500, 10 * FULL, 174200000, original="Le Fabuleux Destin d'Amélie Poulain", german="Die fabelhafte Welt der Amélie"),
    _film(387, "tt0082096", "Das Boot", "1981-09-17", "de", 149, "Drama, History, War", "Wolfgang Petersen", "Bavaria Film", "15", 8.1, 2200, 14 * FULL, 85000000, german="Das Boot", others=(("GB", "The Boat"),)),
    _film(582, "tt0405094", "The Lives of Others", "2006-03-23", "de", 137, "Drama, Thriller", "Florian Henckel von Donnersmarck", "Wiedemann & Berg", "15", 8.0, 3500, 2 * FULL, 77356942, original="Das Leben der Anderen", german="Das Leben der Anderen"),
    _film(104, "tt0130827", "Run Lola Run", "1998-08-20", "de", 81, "Action, Drama, Thriller", "Tom Tykwer", "X Filme Creative Pool", "15", 7.3, 2100, 1750000, 22895262, original="Lola rennt", german="Lola rennt"),
    _film(238, "tt0068646", "The Godfather", "1972-03-14", "en", 175, "Drama, Crime", "Francis Ford Coppola", "Paramount Pictures, Alfran Productions", "15", 8.7, 20500, 6 * FULL, 245066411, german="Der Pate", collection=GODFATHER),
    _film(240, "tt0071562", "The Godfather Part II", "1974-12-20", "en", 202, "Drama, Crime", "Francis Ford Coppola", "Paramount Pictures", "15", 8.6, 12500, 13 * FULL, 102600000, german="Der Pate – Teil II", collection=GODFATHER),
    _film(242, "tt0099674", "The Godfather Part III", "1990-12-25", "en", 162, "Crime, Drama, Thriller", "Francis Ford Coppola", "Paramount Pictures", "15", 7.4, 6200, 54 * FULL, 136766062, german="Der Pate – Teil III", collection=GODFATHER),
    _film(1366, "tt0075148", "Rocky", "1976-11-20", "en", 120, "Drama", "John G. Avildsen", "United Artists", "PG", 7.8, 7600, 960000, 117235147, collection=ROCKY),
    _film(1367, "tt0079817", "Rocky II", "1979-06-15", "en", 119, "Drama", "Sylvester Stallone", "United Artists", "PG", 7.3, 4000, 7 * FULL, 200182160, collection=ROCKY),
    _film(1371, "tt0084602", "Rocky III", "1982-05-28", "en", 100, "Drama", "Sylvester Stallone", "United Artists", "PG", 7.0, 3600, 17 * FULL, 270000000, collection=ROCKY),
    _film(120, "tt0120737", "The Lord of the Rings: The Fellowship of the Ring", "2001-12-18", "en", 179, "Adventure, Fantasy, Action", "Peter Jackson", "New Line Cinema, WingNut Films", "PG", 8.4, 25000, 93 * FULL, 871368364, german="Der Herr der Ringe: Die Gefährten", collection=RINGS),
    _film(121, "tt0167261", "The Lord of the Rings: The Two Towers", "2002-12-18", "en", 179, "Adventure, Fantasy, Action", "Peter Jackson", "New Line Cinema, WingNut Films", "12A", 8.4, 22000, 79 * FULL, 926287400, german="Der Herr der Ringe: Die zwei Türme", collection=RINGS),
    _film(122, "tt0167260", "The Lord of the Rings: The Return of the King", "2003-12-17", "en", 201, "Adventure, Fantasy, Action", "Peter Jackson", "New Line Cinema, WingNut Films", "12A", 8.5, 24000, 94 * FULL, 1118888979, german="Der Herr der Ringe: Die Rückkehr des Königs", collection=RINGS),
    _film(11, "tt0076759", "Star Wars", "1977-05-25", "en", 121, "Adventure, Action, Science Fiction", "George Lucas", "Lucasfilm", "U", 8.2, 20500, 11 * FULL, 775398007, german="Krieg der Sterne", others=(("US", "Star Wars: Episode IV - A New Hope"),), collection=STAR_WARS),
    _film(1891, "tt0080684", "The Empire Strikes Back", "1980-05-20", "en", 124, "Adventure, Action, Science Fiction", "Irvin Kershner", "Lucasfilm", "U", 8.4, 17000, 18 * FULL, 538400000, german="Das Imperium schlägt zurück", others=(("US", "Star Wars: Episode V - The Empire Strikes Back"),), collection=STAR_WARS),
    _film(24, "tt0266697", "Kill Bill: Vol. 1", "2003-10-10", "en", 111, "Action, Crime", "Quentin Tarantino", "Miramax, A Band Apart", "18", 8.0, 17500, 30 * FULL, 180906076, collection=KILL_BILL),
    _film(393, "tt0378194", "Kill Bill: Vol. 2", "2004-04-16", "en", 136, "Action, Crime, Thriller", "Quentin Tarantino", "Miramax, A Band Apart", "18", 7.9, 13500, 30 * FULL, 152159461, collection=KILL_BILL),
    _film(680, "tt0110912", "Pulp Fiction", "1994-09-10", "en", 154, "Thriller, Crime", "Quentin Tarantino", "Miramax, A Band Apart", "18", 8.5, 28000, 8 * FULL, 213900000),
    _film(27205, "tt1375666", "Inception", "2010-07-15", "en", 148, "Action, Science Fiction, Adventure", "Christopher Nolan", "Legendary Pictures, Syncopy", "12A", 8.4, 36500, 160 * FULL, 825532764),
    _film(155, "tt0468569", "The Dark Knight", "2008-07-16", "en", 152, "Drama, Action, Crime, Thriller", "Christopher Nolan", "Warner Bros. Pictures, Syncopy", "12A", 8.5, 33000, 185 * FULL, 1004558444),
    _film(77, "tt0209144", "Memento", "2000-10-11", "en", 113, "Mystery, Thriller", "Christopher Nolan", "Newmarket Films", "15", 8.2, 14500, 9 * FULL, 39723096),
    _film(10681, "tt0910970", "WALL·E", "2008-06-22", "en", 98, "Animation, Family, Science Fiction", "Andrew Stanton", "Pixar", "U", 8.1, 18500, 180 * FULL, 521311860, others=(("US", "WALL-E"),)),
    _film(862, "tt0114709", "Toy Story", "1995-11-22", "en", 81, "Family, Comedy, Animation, Adventure", "John Lasseter", "Pixar", "PG", 8.0, 18000, 30 * FULL, 394436586),
    _film(129, "tt0245429", "Spirited Away", "2001-07-20", "ja", 125, "Animation, Family, Fantasy", "Hayao Miyazaki", "Studio Ghibli", "PG", 8.5, 16500, 19 * FULL, 274925095, original="千と千尋の神隠し", german="Chihiros Reise ins Zauberland"),
    _film(346, "tt0047478", "Seven Samurai", "1954-04-26", "ja", 207, "Action, Drama", "Akira Kurosawa", "TOHO", "PG", 8.5, 3700, 2 * FULL, 346300, original="七人の侍", german="Die sieben Samurai"),
    _film(496243, "tt6751668", "Parasite", "2019-05-30", "ko", 133, "Comedy, Thriller, Drama", "Bong Joon-ho", "Barunson E&A", "15", 8.5, 18500, 11363000, 257591776, original="기생충"),
    _film(48311, "tt0084472", "Parasite", "1982-03-12", "en", 85, "Horror, Science Fiction", "Charles Band", "Embassy Pictures", "", 4.4, 90, 800000, 0),
    _film(670, "tt0364569", "Oldboy", "2003-11-21", "ko", 120, "Drama, Thriller, Mystery, Action", "Park Chan-wook", "Show East", "18", 8.3, 8800, 3 * FULL, 17500000, original="올드보이"),
    _film(87516, "tt1321511", "Oldboy", "2013-11-26", "en", 104, "Action, Drama, Mystery, Thriller", "Spike Lee", "Good Universe", "18", 5.9, 1900, 30 * FULL, 5186767),
    _film(843, "tt0118694", "In the Mood for Love", "2000-09-29", "cn", 99, "Drama, Romance", "Wong Kar-wai", "Block 2 Pictures", "PG", 8.1, 2700, 3 * FULL, 14204632, original="花樣年華"),
    _film(1417, "tt0457430", "Pan's Labyrinth", "2006-10-10", "es", 119, "Fantasy, Drama, War", "Guillermo del Toro", "Estudios Picasso", "15", 7.8, 10500, 19 * FULL, 83258226, original="El laberinto del fauno", german="Pans Labyrinth"),
    _film(490, "tt0050976", "The Seventh Seal", "1957-02-16", "sv", 96, "Fantasy, Drama", "Ingmar Bergman", "SF Studios", "PG", 8.1, 2800, 150000, 0, original="Det sjunde inseglet", german="Das siebente Siegel"),
    _film(19, "tt0017136", "Metropolis", "1927-02-06", "de", 153, "Drama, Science Fiction", "Fritz Lang", "UFA", "PG", 8.1, 2700, 1_300_000, 650422, german="Metropolis"),
    _film(9606, "tt0293416", "Metropolis", "2001-05-26", "ja", 108, "Animation, Science Fiction", "Rintaro", "Madhouse", "12", 7.0, 600, 15 * FULL, 0, original="メトロポリス"),
    _film(510, "tt0073486", "One Flew Over the Cuckoo's Nest", "1975-11-19", "en", 133, "Drama", "Miloš Forman", "Fantasy Films", "18", 8.4, 10500, 3 * FULL, 108981275, german="Einer flog über das Kuckucksnest"),
    _film(13, "tt0109830", "Forrest Gump", "1994-06-23", "en", 142, "Comedy, Drama, Romance", "Robert Zemeckis", "Paramount Pictures", "12", 8.5, 27500, 55 * FULL, 677387716),
    _film(562, "tt0095016", "Die Hard", "1988-07-15", "en", 132, "Action, Thriller", "John McTiernan", "20th Century Fox, Silver Pictures", "15", 7.8, 11000, 28 * FULL, 140767956, german="Stirb langsam"),
    _film(1573, "tt0099423", "Die Hard 2", "1990-07-02", "en", 124, "Action, Thriller", "Renny Harlin", "20th Century Fox", "15", 7.0, 5800, 70 * FULL, 240031094, german="Stirb langsam 2", others=(("US", "Die Hard 2: Die Harder"),)),
    _film(752, "tt0434409", "V for Vendetta", "2006-02-23", "en", 132, "Action, Thriller, Science Fiction", "James McTeigue", "Silver Pictures", "15", 7.9, 14500, 54 * FULL, 132511035, german="V wie Vendetta"),
    _film(2048, "tt0343818", "I, Robot", "2004-07-15", "en", 115, "Action, Science Fiction", "Alex Proyas", "20th Century Fox", "12A", 6.9, 10500, 120 * FULL, 353133898),
    _film(1883, "tt0104797", "Malcolm X", "1992-11-18", "en", 202, "Drama, History", "Spike Lee", "40 Acres and a Mule Filmworks", "15", 7.5, 1700, 34 * FULL, 48169910),
    _film(9799, "tt0232500", "The Fast and the Furious", "2001-06-22", "en", 106, "Action, Crime, Thriller", "Rob Cohen", "Universal Pictures", "15", 7.0, 9800, 38 * FULL, 207283925),
    _film(13804, "tt1013752", "Fast & Furious", "2009-04-02", "en", 107, "Action, Crime, Drama, Thriller", "Justin Lin", "Universal Pictures", "12A", 6.7, 7200, 85 * FULL, 363164265),
    _film(5915, "tt0758758", "Into the Wild", "2007-09-11", "en", 148, "Adventure, Drama", "Sean Penn", "Paramount Vantage", "15", 7.8, 9000, 15 * FULL, 56255142),
    _film(77338, "tt1675434", "The Intouchables", "2011-11-02", "fr", 113, "Drama, Comedy", "Olivier Nakache, Éric Toledano", "Gaumont, Quad", "15", 8.3, 16500, 13 * FULL, 426480871, original="Intouchables", german="Ziemlich beste Freunde"),
    _film(4232, "tt0117571", "Scream", "1996-12-20", "en", 112, "Crime, Horror, Mystery", "Wes Craven", "Dimension Films", "18", 7.4, 6700, 14 * FULL, 173046663),
    _film(646385, "tt11245972", "Scream", "2022-01-12", "en", 114, "Horror, Mystery, Thriller", "Matt Bettinelli-Olpin, Tyler Gillett", "Spyglass Media Group", "18", 6.7, 3200, 24 * FULL, 137743924),
    _film(948, "tt0077651", "Halloween", "1978-10-24", "en", 91, "Horror, Thriller", "John Carpenter", "Compass International Pictures", "18", 7.6, 5300, 325000, 70000000),
    _film(11281, "tt0373883", "Halloween", "2007-08-31", "en", 109, "Horror", "Rob Zombie", "Dimension Films", "18", 6.1, 2000, 15 * FULL, 80249467),
    _film(424139, "tt1502407", "Halloween", "2018-10-18", "en", 106, "Horror, Thriller", "David Gordon Green", "Blumhouse Productions", "18", 6.6, 4300, 10 * FULL, 255614941),
    # Hard cases: hardly anything known; no number of IMDb; no year; a name of digits; of signs; very long.
    _film(990001, None, "Untitled Harbour Film", None, "en", 0, "", "", "", "", 0.0, 0, has_poster=False),
    _film(990002, None, "Nowhere Boy in Reykjavík", "2019-06-01", "is", 74, "Documentary", "Sóley Ósk Þórsdóttir", "Ljósmynd", "", 6.5, 4, original="Hvergi drengur"),
    _film(14139, "tt0065446", "1984", "1956-03-06", "en", 90, "Drama, Science Fiction", "Michael Anderson", "Holiday Film Productions", "12", 6.9, 90),
    _film(530915, "tt8579674", "1917", "2019-12-25", "en", 119, "War, History, Drama", "Sam Mendes", "Amblin Partners", "15", 8.0, 12500, 100 * FULL, 446064352),
    _film(990003, "tt9900003", "…", "2011-01-01", "fr", 12, "Drama", "Agnès Lefèvre", "", "", 5.0, 2),
    _film(935, "tt0057012", "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", "1964-01-29", "en", 95, "Comedy, War", "Stanley Kubrick", "Columbia Pictures", "PG", 8.1, 5600, 1800000, 9440272, german="Dr. Seltsam oder: Wie ich lernte, die Bombe zu lieben"),
)

SERIES: tuple[Series, ...] = (
    Series(1396, "tt0903747", 81189, "Breaking Bad", "2008-01-20", "en", "AMC", "Ended", (7, 13, 13, 13, 16), specials=3, score=8.9, votes=14000),
    Series(1399, "tt0944947", 121361, "Game of Thrones", "2011-04-17", "en", "HBO", "Ended", (10, 10, 10, 10, 10, 10, 7, 6), specials=2, german="Game of Thrones", score=8.4, votes=23000),
    Series(1429, "tt2560140", 267440, "Attack on Titan", "2013-04-07", "ja", "NHK", "Ended", (25, 12, 22, 30), original="進撃の巨人", score=8.7, votes=6500),
    Series(70523, "tt5753856", 334824, "Dark", "2017-12-01", "de", "Netflix", "Ended", (10, 8, 8), original="Dark", german="Dark", score=8.4, votes=6900),
    # A film has the same number, and another film this name.
    Series(550, "tt0190198", 73255, "Solaris", "2020-02-02", "en", "Channel 4", "Returning Series", (6, 6), score=6.8, votes=40),
)
# fmt: on
